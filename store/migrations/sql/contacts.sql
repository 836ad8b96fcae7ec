-- Rows of any table that name one contact name another from now on; which, for the way back. Rows that may not (a unique key, a key of several
-- columns) stay as they are. `p_only` limits it to these rows.
CREATE FUNCTION cn_repoint(p_org uuid, p_table text, p_column text, p_from uuid, p_to uuid, p_only uuid[] DEFAULT NULL)
RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
    row_id uuid;
    moved uuid[] := '{}';
BEGIN
    FOR row_id IN EXECUTE format('SELECT id FROM %s WHERE organization_id = $1 AND %I = $2 AND ($3::uuid[] IS NULL OR id = ANY($3)) ORDER BY id',
                                 p_table::regclass, p_column) USING p_org, p_from, p_only
    LOOP
        BEGIN
            EXECUTE format('UPDATE %s SET %I = $1 WHERE organization_id = $2 AND id = $3', p_table::regclass, p_column) USING p_to, p_org, row_id;
            moved := moved || row_id;
        EXCEPTION WHEN unique_violation OR foreign_key_violation THEN
            NULL;
        END;
    END LOOP;
    RETURN moved;
END $$;
