"""What is code inside the database, and is replaced whole at every upgrade."""
