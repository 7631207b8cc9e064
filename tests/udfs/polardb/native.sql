-- Stands in for PolarDB's own extension polar_ai: what its public documents say of the registry and of ai_callmodel.
create schema polar_ai;
grant usage on schema polar_ai to public;

create table polar_ai._ai_models (
    model_seq serial,
    model_id text primary key,
    model_url text,
    model_provider text,
    model_type text,
    model_name text,
    model_config jsonb,
    model_headers_fn regprocedure,
    model_in_transform_fn regprocedure,
    model_out_transform_fn regprocedure
);
grant select on polar_ai._ai_models to public;

create function polar_ai._call(model_id text, content text) returns jsonb language plpython3u as $$
import base64, json, urllib.request
plan = plpy.prepare("select * from polar_ai._ai_models where model_id = $1", ["text"])
model = plpy.execute(plan, [model_id])[0]
if json.loads(model["model_config"]).get("input") == "image":
    with open(content, "rb") as file:
        item = {"blob": base64.b64encode(file.read()).decode()}
else:
    item = {"text": content}
body = json.dumps({"data": [item]}).encode()
with urllib.request.urlopen(model["model_url"], body, timeout=5) as answer:
    return json.dumps(json.load(answer)["data"][0]["embedding"])
$$;

create function polar_ai.ai_callmodel(model_id text, content anyelement) returns jsonb language plpgsql as $$
begin
    return polar_ai._call(model_id, content::text);
end
$$;
