-- The statement holds a secret: should it fail, it does not go to the server's log.
create or replace function polar_ai.ai_createlocation(
    name text, url text, options jsonb default '{}', secret text default null
) returns boolean
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
set log_min_error_statement to 'panic'
as $$
declare
    v_options jsonb := coalesce(ai_createlocation.options, '{}');
    v_error jsonb;
    v_seq bigint;
begin
    v_error := polar_ai._check_location(
        coalesce(ai_createlocation.name, ''), coalesce(ai_createlocation.url, ''), v_options::text,
        ai_createlocation.secret
    );
    if v_error is not null then
        perform polarlens._raise(v_error);
    end if;
    insert into polar_ai.locations (name, url, options)
    values (ai_createlocation.name, ai_createlocation.url, v_options)
    on conflict on constraint locations_pkey do nothing
    returning location_seq into v_seq;
    if v_seq is null then
        return false;
    end if;
    perform polar_ai._create_location_permit(ai_createlocation.name, v_seq);
    perform polar_ai._store_location_secret(ai_createlocation.name, ai_createlocation.secret);
    return true;
end
$$;

comment on function polar_ai.ai_createlocation(text, text, jsonb, text) is
'Names a place of photos, so that name:path can be loaded, listed and embedded; reaches nothing yet (ai_testlocation
does). False where the name exists (nothing is changed then). url: s3://bucket/prefix, oss://…, gcs://…,
azblob://container/…, https://host/prefix or file:///folder on the database server. options, all texts: endpoint (of
MinIO and other S3, of OSS and its regions), region (s3), addressing (path or virtual; s3, oss), access_key_id (s3,
oss), account (azblob), credentials (secret, instance for the server''s own identity, none for a public bucket).
secret: the secret key (s3, oss), the service account''s JSON (gcs), the account key or SAS (azblob), the
Authorization header (http); env:NAME is read from the server''s environment at each use and never stored. Usable by
polar_ai_admin until ai_grantlocation. For polar_ai_admin. Errors: 22023.';

revoke all on function polar_ai.ai_createlocation(text, text, jsonb, text) from public;
grant execute on function polar_ai.ai_createlocation(text, text, jsonb, text) to polar_ai_admin;
