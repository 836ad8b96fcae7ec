-- The passages of an organization that are nearest to a question by meaning, nearest first. Under row level security, in the caller's transaction.
--
-- Organization, model and vector stand in the statement as constants: only then the planner sees that the partial index of a large organization
-- (store/passage_index.py) holds all that is asked for; and a vector that is a parameter is read from its text once for each passage.
CREATE FUNCTION cn_knowledge_near(p_organization_id uuid, p_model text, p_vector text, p_limit int) RETURNS SETOF uuid
LANGUAGE plpgsql ROWS 24 AS $$
DECLARE
    v_dimension int := vector_dims(p_vector::vector);
BEGIN
    PERFORM set_config('hnsw.ef_search', '100', true);  -- 40 finds less; measured in benchmarks/knowledge.py
    RETURN QUERY EXECUTE format(
        'SELECT p.id FROM knowledge_passages p WHERE p.organization_id = %L AND p.model = %L'
        ' ORDER BY p.embedding::halfvec(%s) <=> %L::halfvec(%s) LIMIT %s',
        p_organization_id, p_model, v_dimension, p_vector, v_dimension, p_limit);
END $$;
