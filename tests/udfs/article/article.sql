-- The article's own SQL, with its known mistakes mended (and no other line changed): {service} is the model service's URL,
-- {folder} an allowed folder in the place of the object store's bucket, {dimension} the model's, 512 in print.
set search_path="$user", public, polar_ai;

CREATE OR REPLACE FUNCTION clip_text_embedding_in(model text, setence text)
    RETURNS jsonb
    LANGUAGE plpgsql
    AS $function$
    BEGIN
    RETURN jsonb_build_object('data', jsonb_build_array(jsonb_build_object('text', setence)));
    END;
    $function$;

CREATE OR REPLACE FUNCTION clip_image_embedding_in(model text, image_path text)
    RETURNS jsonb
    LANGUAGE plpgsql
    AS $function$
    DECLARE
     url text;
    BEGIN
      url = '{folder}/' || $2;
    RETURN ('{"data": [{"blob": "' || ai_imageasbase64(ai_resizeimage(ai_loadfile(url), 336, 336), false)|| '"}]}')::jsonb;
    END;
    $function$;

CREATE OR REPLACE FUNCTION clip_embedding_out(model_id text, response_json jsonb)
    RETURNS jsonb
    AS $$ select (((((response_json)->>'data')::jsonb->0)::jsonb)->>'embedding')::jsonb as result $$
    LANGUAGE 'sql' IMMUTABLE;

SELECT polar_ai.ai_createmodel('embedding/clip_text',
'{service}',
'other',
'embedding',
'clip',
'{"author_type": "token", "token": "my_token"}',
NULL,
'clip_text_embedding_in'::regproc,
'clip_embedding_out'::regproc);

SELECT polar_ai.ai_createmodel('embedding/clip_image',
'{service}',
'other',
'embedding',
'clip',
'{"author_type": "token", "token": "my_token"}',
NULL,
'clip_image_embedding_in'::regproc,
'clip_embedding_out'::regproc);

CREATE OR REPLACE FUNCTION clip_text_embedding(text text)
    RETURNS float4[]
    AS $$ select array(select json_array_elements_text(polar_ai.AI_CALLMODEL('embedding/clip_text',$1)::json))::float4[] as result $$
    LANGUAGE 'sql' IMMUTABLE;

CREATE OR REPLACE FUNCTION clip_image_embedding(text text)
    RETURNS float4[]
    AS $$ select array(select json_array_elements_text(ganos_ai.AI_CALLMODEL('embedding/clip_image',$1)::json))::float4[] as result $$
    LANGUAGE 'sql' IMMUTABLE;

CREATE TABLE images(id serial,
url text,
embedding vector({dimension})
);

INSERT INTO images(url)
VALUES ('test_data/bdd100k/images/10k/train/0004a4c0-d4dff0ad.jpg');

UPDATE images
SET embedding=clip_image_embedding(url)::vector({dimension});

CREATE INDEX ON images USING hnsw (embedding vector_l2_ops);

SELECT id, url
FROM images
ORDER BY embedding <-> clip_text_embedding('white truck in a snow day')::vector({dimension})
limit 10;

SELECT id, url
FROM images
WHERE id > 1000
ORDER BY embedding <-> clip_text_embedding('black car in the night')::vector({dimension})
limit 10;

SELECT id, url
FROM images
ORDER BY embedding <-> (
  SELECT clip_image_embedding(url)::vector({dimension})::vector({dimension}) FROM images WHERE id = 5560)
limit 10;

CREATE OR REPLACE FUNCTION my_loadfile(text)
    RETURNS bytea
    AS $$ SELECT AI_RESIZEIMAGE(AI_LOADFILE('{folder}/' || $1), 512, 0 )$$
    LANGUAGE 'sql' IMMUTABLE;

SELECT my_loadfile(url) FROM images WHERE id = 5560;
