CREATE FUNCTION events_only_added() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'events are only ever added'; END $$;
CREATE TABLE events (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    annotator text NOT NULL,
    key text NOT NULL,
    action text NOT NULL,
    kind text NOT NULL,
    drawing_id text,
    artwork_id text,
    query_id text GENERATED ALWAYS AS (
CASE
    WHEN (kind = 'drawing'::text) THEN drawing_id
    ELSE artwork_id
END) STORED NOT NULL,
    grade text,
    note text NOT NULL,
    drawing_box json,
    artwork_box json,
    rank integer,
    score double precision,
    shown integer,
    shown_ids json NOT NULL,
    seconds double precision,
    audit boolean NOT NULL,
    model text NOT NULL,
    index_sha256 text NOT NULL,
    undoes text
);
CREATE VIEW counting AS
 SELECT e.id,
    e.at,
    e.annotator,
    e.key,
    e.action,
    e.kind,
    e.drawing_id,
    e.artwork_id,
    e.query_id,
    e.grade,
    e.note,
    e.drawing_box,
    e.artwork_box,
    e.rank,
    e.score,
    e.shown,
    e.shown_ids,
    e.seconds,
    e.audit,
    e.model,
    e.index_sha256,
    e.undoes
   FROM events e
  WHERE ((e.action <> 'undo'::text) AND (NOT (EXISTS ( SELECT 1
           FROM events u
          WHERE (u.undoes = e.key)))));
CREATE VIEW adjudications AS
 SELECT latest.drawing_id,
    latest.artwork_id,
    latest.grade,
    latest.annotator,
    latest.at,
    latest.note
   FROM ( SELECT counting.id,
            counting.at,
            counting.annotator,
            counting.key,
            counting.action,
            counting.kind,
            counting.drawing_id,
            counting.artwork_id,
            counting.query_id,
            counting.grade,
            counting.note,
            counting.drawing_box,
            counting.artwork_box,
            counting.rank,
            counting.score,
            counting.shown,
            counting.shown_ids,
            counting.seconds,
            counting.audit,
            counting.model,
            counting.index_sha256,
            counting.undoes,
            row_number() OVER (PARTITION BY counting.drawing_id, counting.artwork_id ORDER BY counting.id DESC) AS newest
           FROM counting
          WHERE (counting.action = 'adjudicate'::text)) latest
  WHERE (latest.newest = 1);
CREATE VIEW answers AS
 SELECT latest.annotator,
    latest.query_id AS id,
    latest.action AS answer,
    latest.shown_ids,
    latest.kind,
    latest.at,
    latest.rank,
    latest.score,
    latest.shown,
    latest.seconds,
    latest.audit,
    latest.model,
    latest.index_sha256
   FROM ( SELECT counting.id,
            counting.at,
            counting.annotator,
            counting.key,
            counting.action,
            counting.kind,
            counting.drawing_id,
            counting.artwork_id,
            counting.query_id,
            counting.grade,
            counting.note,
            counting.drawing_box,
            counting.artwork_box,
            counting.rank,
            counting.score,
            counting.shown,
            counting.shown_ids,
            counting.seconds,
            counting.audit,
            counting.model,
            counting.index_sha256,
            counting.undoes,
            row_number() OVER (PARTITION BY counting.annotator, counting.kind, counting.query_id ORDER BY counting.id DESC) AS newest
           FROM counting
          WHERE (counting.action = ANY (ARRAY['done'::text, 'none'::text, 'skip'::text]))) latest
  WHERE (latest.newest = 1);
CREATE VIEW boxes AS
 SELECT latest.annotator,
    latest.drawing_id,
    latest.artwork_id,
    latest.drawing_box,
    latest.artwork_box,
    latest.at
   FROM ( SELECT counting.id,
            counting.at,
            counting.annotator,
            counting.key,
            counting.action,
            counting.kind,
            counting.drawing_id,
            counting.artwork_id,
            counting.query_id,
            counting.grade,
            counting.note,
            counting.drawing_box,
            counting.artwork_box,
            counting.rank,
            counting.score,
            counting.shown,
            counting.shown_ids,
            counting.seconds,
            counting.audit,
            counting.model,
            counting.index_sha256,
            counting.undoes,
            row_number() OVER (PARTITION BY counting.annotator, counting.drawing_id, counting.artwork_id ORDER BY counting.id DESC) AS newest
           FROM counting
          WHERE (counting.action = 'box'::text)) latest
  WHERE ((latest.newest = 1) AND ((latest.drawing_box IS NOT NULL) OR (latest.artwork_box IS NOT NULL)));
CREATE SEQUENCE events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE events_id_seq OWNED BY events.id;
CREATE VIEW judgements AS
 SELECT latest.annotator,
    latest.drawing_id,
    latest.artwork_id,
    latest.grade,
    latest.kind,
    latest.at,
    latest.rank,
    latest.score,
    latest.shown,
    latest.seconds,
    latest.audit,
    latest.model,
    latest.index_sha256
   FROM ( SELECT counting.id,
            counting.at,
            counting.annotator,
            counting.key,
            counting.action,
            counting.kind,
            counting.drawing_id,
            counting.artwork_id,
            counting.query_id,
            counting.grade,
            counting.note,
            counting.drawing_box,
            counting.artwork_box,
            counting.rank,
            counting.score,
            counting.shown,
            counting.shown_ids,
            counting.seconds,
            counting.audit,
            counting.model,
            counting.index_sha256,
            counting.undoes,
            row_number() OVER (PARTITION BY counting.annotator, counting.drawing_id, counting.artwork_id ORDER BY counting.id DESC) AS newest
           FROM counting
          WHERE (counting.action = ANY (ARRAY['grade'::text, 'clear'::text]))) latest
  WHERE ((latest.newest = 1) AND (latest.action = 'grade'::text));
CREATE TABLE leases (
    kind text NOT NULL,
    query_id text NOT NULL,
    annotator text NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE VIEW notes AS
 SELECT latest.annotator,
    latest.drawing_id,
    latest.artwork_id,
    latest.note,
    latest.at
   FROM ( SELECT counting.id,
            counting.at,
            counting.annotator,
            counting.key,
            counting.action,
            counting.kind,
            counting.drawing_id,
            counting.artwork_id,
            counting.query_id,
            counting.grade,
            counting.note,
            counting.drawing_box,
            counting.artwork_box,
            counting.rank,
            counting.score,
            counting.shown,
            counting.shown_ids,
            counting.seconds,
            counting.audit,
            counting.model,
            counting.index_sha256,
            counting.undoes,
            row_number() OVER (PARTITION BY counting.annotator, counting.drawing_id, counting.artwork_id ORDER BY counting.id DESC) AS newest
           FROM counting
          WHERE ((counting.action <> 'adjudicate'::text) AND ((counting.action = 'note'::text) OR (counting.note <> ''::text)))) latest
  WHERE ((latest.newest = 1) AND (latest.note <> ''::text));
CREATE TABLE sessions (
    token_sha256 text NOT NULL,
    csrf text NOT NULL,
    username text NOT NULL,
    role text NOT NULL,
    until timestamp with time zone NOT NULL
);
ALTER TABLE ONLY events ALTER COLUMN id SET DEFAULT nextval('events_id_seq'::regclass);
INSERT INTO events VALUES (1, '2026-11-30 08:44:31.847272+00', 'ada', 'event-0001', 'grade', 'drawing', 'd0', 'a0', DEFAULT, 'same work', 'das Boot, mit „Segel“; d''après Monet', NULL, NULL, 1, 0.75, 5, '[]', 3.5, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (2, '2026-11-30 08:44:31.853174+00', 'ben', 'event-0002', 'grade', 'drawing', 'd0', 'a0', DEFAULT, 'different', '', NULL, NULL, 2, 0.5, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (3, '2026-11-30 08:44:31.856366+00', 'ada', 'event-0003', 'box', 'drawing', 'd0', 'a0', DEFAULT, NULL, '', '[0.1, 0.2, 0.3, 0.4]', '[0, 0, 0.5, 1]', NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (4, '2026-11-30 08:44:31.859519+00', 'ada', 'event-0004', 'grade', 'drawing', 'd0', 'a1', DEFAULT, 'same motif', '', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (5, '2026-11-30 08:44:31.862594+00', 'ada', 'event-0005', 'clear', 'drawing', 'd0', 'a1', DEFAULT, NULL, '', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (6, '2026-11-30 08:44:31.86732+00', 'ada', 'event-0006', 'grade', 'drawing', 'd1', 'a3', DEFAULT, 'unsure', '', NULL, NULL, NULL, NULL, NULL, '[]', NULL, true, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (7, '2026-11-30 08:44:31.875829+00', 'ada', 'undo-0001', 'undo', 'drawing', 'd1', 'a3', DEFAULT, NULL, '', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', 'event-0006');
INSERT INTO events VALUES (8, '2026-11-30 08:44:31.881643+00', 'ada', 'event-0007', 'note', 'drawing', 'd0', NULL, DEFAULT, NULL, 'line one
line two', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (9, '2026-11-30 08:44:31.884494+00', 'ada', 'event-0008', 'done', 'drawing', 'd0', NULL, DEFAULT, NULL, '', NULL, NULL, NULL, NULL, 5, '["a0", "a1", "a9"]', 12.5, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (10, '2026-11-30 08:44:31.890229+00', 'ben', 'event-0009', 'none', 'drawing', 'd0', NULL, DEFAULT, NULL, '', NULL, NULL, NULL, NULL, 3, '["a0", "a2"]', NULL, true, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (11, '2026-11-30 08:44:31.894793+00', 'ben', 'event-0010', 'skip', 'drawing', 'd3', NULL, DEFAULT, NULL, '', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (12, '2026-11-30 08:44:31.898185+00', 'ben', 'event-0011', 'grade', 'artwork', 'd4', 'a4', DEFAULT, 'style only', '', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO events VALUES (13, '2026-11-30 08:44:31.901266+00', 'rosa', 'event-0012', 'adjudicate', 'drawing', 'd0', 'a0', DEFAULT, 'same work', 'seen', NULL, NULL, NULL, NULL, NULL, '[]', NULL, false, 'lite (0123456789ab)', 'abababababababababababababababababababababababababababababababab', NULL);
INSERT INTO leases VALUES ('drawing', 'd5', 'ada', '2126-11-06 08:44:31.929437+00');
INSERT INTO sessions VALUES ('d800d497c28d2ab712fe8166d445ee48d9961005e8154d6b9c01e867349a2012', 'y_cTWcI7QoPObjHXP0NNSgM_IQSe14SofH4kcfW4m8U', 'ada', 'annotator', '2026-11-30 20:44:31.93297+00');
SELECT setval('events_id_seq', 13, true);
ALTER TABLE ONLY events
    ADD CONSTRAINT events_key_key UNIQUE (key);
ALTER TABLE ONLY events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY events
    ADD CONSTRAINT events_undoes_key UNIQUE (undoes);
ALTER TABLE ONLY leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (kind, query_id, annotator);
ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_sha256);
CREATE INDEX events_of_action ON events USING btree (action, id);
CREATE INDEX events_of_annotator ON events USING btree (annotator, id);
CREATE INDEX events_of_artwork ON events USING btree (artwork_id, annotator, id);
CREATE INDEX events_of_pair ON events USING btree (drawing_id, artwork_id, annotator, id);
CREATE INDEX events_of_query ON events USING btree (query_id, kind, annotator, id);
CREATE TRIGGER events_never_change BEFORE DELETE OR UPDATE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_only_added();
