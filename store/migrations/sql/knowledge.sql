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

-- The passages of a large organization that have the most of a question's words, by its words index (store/passage_index.py); NULL: it has none.
--
-- For the system's role: under a policy no full text index may be asked, @@ is not leakproof. So it filters by the organization itself and gives
-- out ids alone, whose rows the caller reads under row level security. Ranking costs 2 us a passage, and a common word is in a third of them: only
-- those are ranked that have every word, or one of the rare ones.
CREATE FUNCTION cn_knowledge_worded(p_organization_id uuid, p_words text[], p_limit int) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_indexscan = off AS $$
DECLARE
    c_enough CONSTANT int := 500;
    -- The organization as a constant: only then the planner sees that its partial index holds all that is asked for.
    v_having text := format('FROM knowledge_passages WHERE organization_id = %L AND search @@ ', p_organization_id);
    v_word tsquery;
    v_count int;
    v_words tsquery[] := '{}';
    v_counts int[] := '{}';
    v_every tsquery;
    v_any tsquery;
    v_rare tsquery;
    v_ids uuid[];
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_index WHERE indexrelid = to_regclass('ix_passages_words_' || replace(p_organization_id::text, '-', '')) AND indisvalid
    ) THEN
        RETURN NULL;
    END IF;
    FOR v_word IN SELECT to_tsquery('simple', word) || to_tsquery('english', word) FROM unnest(p_words) word LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT %s %L::tsquery LIMIT %s) found', v_having, v_word, c_enough + 1) INTO v_count;
        CONTINUE WHEN v_count = 0;
        v_words := v_words || v_word;
        v_counts := v_counts || v_count;
        v_every := coalesce(v_every && v_word, v_word);
        v_any := coalesce(v_any || v_word, v_word);
    END LOOP;
    FOR v_word, v_count IN
        SELECT word, sum(n) OVER (ORDER BY n, place) FROM unnest(v_words, v_counts) WITH ORDINALITY u (word, n, place) ORDER BY n, place
    LOOP
        EXIT WHEN v_count > c_enough AND v_rare IS NOT NULL;
        v_rare := coalesce(v_rare || v_word, v_word);
    END LOOP;
    IF v_rare IS NULL THEN
        RETURN '{}';
    END IF;
    EXECUTE format(
        'SELECT array_agg(id) FROM (SELECT id FROM ((SELECT id, search %s %L::tsquery LIMIT %s) UNION ALL (SELECT id, search %s %L::tsquery LIMIT %s)) found'
        ' GROUP BY id ORDER BY max(ts_rank(search, %L::tsquery)) DESC LIMIT %s) best',
        v_having, v_every, c_enough, v_having, v_rare, c_enough, v_any, p_limit) INTO v_ids;
    RETURN coalesce(v_ids, '{}');
END $$;
