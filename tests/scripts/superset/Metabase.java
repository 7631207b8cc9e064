import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.Base64;

/**
 * Asks a query the way Metabase does: a remark before it, the typed text bound with setObject, read only, forward only,
 * rows fetched by 500 in a transaction. Its input is one word in Base64 a line: the query, then each text to search for
 * (none: the query has no parameter). For each text it prints a line: "rank path first-bytes-of-thumbnail rows".
 */
public class Metabase {
    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        String query = "-- Metabase:: userID: 1 queryType: native queryHash: 0\n" + decoded(input.readLine());
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            String line = input.readLine();
            try (PreparedStatement statement = connection.prepareStatement(
                    query, ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY, ResultSet.CLOSE_CURSORS_AT_COMMIT)) {
                statement.setFetchSize(500);
                statement.setMaxRows(2000);
                do {
                    if (line != null) {
                        statement.setObject(1, decoded(line));
                    }
                    System.out.println(answer(statement));
                } while (line != null && (line = input.readLine()) != null);
            }
            connection.rollback();
        }
    }

    private static String answer(PreparedStatement statement) throws Exception {
        try (ResultSet found = statement.executeQuery()) {
            int columns = found.getMetaData().getColumnCount();
            var first = new StringBuilder();
            int rows = 0;
            while (found.next()) {
                for (int column = 1; column <= columns && rows == 0; column++) {
                    first.append(found.getObject(column)).append('\t');
                }
                rows++;
            }
            return first.append(rows).toString();
        }
    }

    private static String decoded(String line) {
        return new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8);
    }
}
