-- PolarDB's built-in models only need a token: ai_setmodeltoken('_dashscope%', …). Existing rows stay as they are.
insert into polar_ai.models (model_id, model_url, model_provider, model_type, model_name, model_config)
values
(
    '_dashscope/text_embedding/text_embedding_v2',
    'https://dashscope.aliyuncs.com/api/v1/services/embeddings/text-embedding/text-embedding',
    'dashscope', 'text-embedding', 'text-embedding-v2', '{"input": "text", "dimension": 1536, "batch_size": 25}'
),
(
    '_dashscope/text_embedding/text_embedding_v3',
    'https://dashscope.aliyuncs.com/api/v1/services/embeddings/text-embedding/text-embedding',
    'dashscope', 'text-embedding', 'text-embedding-v3', '{"input": "text", "dimension": 1024, "batch_size": 10}'
),
(
    '_dashscope/text-classfication/opennlu-v1',
    'https://dashscope.aliyuncs.com/api/v1/services/nlp/nlu/understanding',
    'dashscope', 'text-classification', 'opennlu-v1', '{"input": "text"}'
),
(
    '_dashscope/text-generation/deepseek-r1',
    'https://dashscope.aliyuncs.com/api/v1/services/aigc/text-generation/generation',
    'dashscope', 'text-generation', 'deepseek-r1', '{"input": "text"}'
),
(
    '_dashscope/multimodal_embedding/text',
    'https://dashscope.aliyuncs.com/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding',
    'dashscope', 'multimodal-embedding', 'multimodal-embedding-v1',
    '{"input": "text", "dimension": 1024, "batch_size": 1}'
),
(
    '_dashscope/multimodal_embedding/image',
    'https://dashscope.aliyuncs.com/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding',
    'dashscope', 'multimodal-embedding', 'multimodal-embedding-v1',
    '{"input": "image", "dimension": 1024, "batch_size": 1, "image_size": 512}'
)
on conflict on constraint models_pkey do nothing;

-- A model without its permit could be called by nobody.
do $$
declare
    v_model record;
begin
    for v_model in
        select m.model_id, m.model_seq
        from polar_ai.models as m
        where to_regprocedure(format('polar_ai._permit_%s()', m.model_seq)) is null
    loop
        perform polar_ai._create_permit(v_model.model_id, v_model.model_seq);
    end loop;
end
$$;
