//! The tables of the workloads. No constraint hides what a checker is to find: a set may hold an element twice.

/// By this comment we know a schema that we may remove again.
const MARK: &str = "made by Driftproof";

/// What makes them, in a schema of their own; does nothing where they are, and refuses a schema that is not ours.
pub(super) fn create(schema: &str) -> String {
    format!(
        "DO $$ BEGIN
           IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}'
                      AND obj_description(oid, 'pg_namespace') IS DISTINCT FROM '{MARK}') THEN
             RAISE EXCEPTION 'the schema exists and is not Driftproof''s own; name another one';
           END IF;
         END $$;
         CREATE SCHEMA IF NOT EXISTS {schema};
         COMMENT ON SCHEMA {schema} IS '{MARK}';
         CREATE TABLE IF NOT EXISTS {schema}.register (key text PRIMARY KEY, value bigint NOT NULL);
         CREATE TABLE IF NOT EXISTS {schema}.member (name text NOT NULL, element bigint NOT NULL);
         CREATE INDEX IF NOT EXISTS member_name ON {schema}.member (name);
         CREATE TABLE IF NOT EXISTS {schema}.list (key text PRIMARY KEY, elements text NOT NULL);
         CREATE TABLE IF NOT EXISTS {schema}.account (key text PRIMARY KEY, value bigint NOT NULL);
         CREATE TABLE IF NOT EXISTS {schema}.queue (id bigserial PRIMARY KEY, name text NOT NULL, element bigint NOT NULL);
         CREATE TABLE IF NOT EXISTS {schema}.counter (key text PRIMARY KEY, value bigint NOT NULL);
         CREATE TABLE IF NOT EXISTS {schema}.lock (key text PRIMARY KEY, token bigint NOT NULL, held_until timestamptz)"
    )
}

/// What removes them; leaves a schema alone that is not ours.
pub(super) fn remove(schema: &str) -> String {
    format!(
        "DO $$ BEGIN
           IF EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}'
                      AND obj_description(oid, 'pg_namespace') = '{MARK}') THEN
             DROP SCHEMA {schema} CASCADE;
           END IF;
         END $$"
    )
}

/// Whether a name can stand in SQL as it is.
pub(super) fn is_plain(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|letter| letter.is_ascii_lowercase() || letter == '_');
    first && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}
