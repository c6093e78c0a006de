BEGIN TRANSACTION;
CREATE TABLE events (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	annotator TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	drawing_id TEXT, 
	artwork_id TEXT, 
	query_id TEXT NOT NULL GENERATED ALWAYS AS (CASE WHEN kind = 'drawing' THEN drawing_id ELSE artwork_id END) STORED, 
	grade TEXT, 
	note TEXT NOT NULL, 
	drawing_box JSON, 
	artwork_box JSON, 
	rank INTEGER, 
	score DOUBLE, 
	shown INTEGER, 
	shown_ids JSON NOT NULL, 
	seconds DOUBLE, 
	audit BOOLEAN NOT NULL, 
	model TEXT NOT NULL, 
	index_sha256 TEXT NOT NULL, 
	undoes TEXT, 
	PRIMARY KEY (id), 
	UNIQUE ("key"), 
	UNIQUE (undoes)
);
INSERT INTO "events" VALUES(1,'2026-11-30 08:44:29.629552','ada','event-0001','grade','drawing','d0','a0','same work','das Boot, mit „Segel“; d''après Monet',NULL,NULL,1,0.75,5,'[]',3.5,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(2,'2026-11-30 08:44:29.632398','ben','event-0002','grade','drawing','d0','a0','different','',NULL,NULL,2,0.5,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(3,'2026-11-30 08:44:29.633987','ada','event-0003','box','drawing','d0','a0',NULL,'','[0.1, 0.2, 0.3, 0.4]','[0, 0, 0.5, 1]',NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(4,'2026-11-30 08:44:29.635398','ada','event-0004','grade','drawing','d0','a1','same motif','',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(5,'2026-11-30 08:44:29.636724','ada','event-0005','clear','drawing','d0','a1',NULL,'',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(6,'2026-11-30 08:44:29.638135','ada','event-0006','grade','drawing','d1','a3','unsure','',NULL,NULL,NULL,NULL,NULL,'[]',NULL,1,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(7,'2026-11-30 08:44:29.642001','ada','undo-0001','undo','drawing','d1','a3',NULL,'',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab','event-0006');
INSERT INTO "events" VALUES(8,'2026-11-30 08:44:29.644625','ada','event-0007','note','drawing','d0',NULL,NULL,'line one
line two',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(9,'2026-11-30 08:44:29.646467','ada','event-0008','done','drawing','d0',NULL,NULL,'',NULL,NULL,NULL,NULL,5,'["a0", "a1", "a9"]',12.5,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(10,'2026-11-30 08:44:29.648111','ben','event-0009','none','drawing','d0',NULL,NULL,'',NULL,NULL,NULL,NULL,3,'["a0", "a2"]',NULL,1,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(11,'2026-11-30 08:44:29.649885','ben','event-0010','skip','drawing','d3',NULL,NULL,'',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(12,'2026-11-30 08:44:29.651721','ben','event-0011','grade','artwork','d4','a4','style only','',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
INSERT INTO "events" VALUES(13,'2026-11-30 08:44:29.653469','rosa','event-0012','adjudicate','drawing','d0','a0','same work','seen',NULL,NULL,NULL,NULL,NULL,'[]',NULL,0,'lite (0123456789ab)','abababababababababababababababababababababababababababababababab',NULL);
CREATE TABLE leases (
	kind TEXT NOT NULL, 
	query_id TEXT NOT NULL, 
	annotator TEXT NOT NULL, 
	until DATETIME NOT NULL, 
	PRIMARY KEY (kind, query_id, annotator)
);
INSERT INTO "leases" VALUES('drawing','d5','ada','2126-11-06 08:44:29.664677');
CREATE TABLE sessions (
	token_sha256 TEXT NOT NULL, 
	csrf TEXT NOT NULL, 
	username TEXT NOT NULL, 
	role TEXT NOT NULL, 
	until DATETIME NOT NULL, 
	PRIMARY KEY (token_sha256)
);
INSERT INTO "sessions" VALUES('2dff62849b0e0a4832d79d6952ba2acc47430ac0375a14f2dfe968ab1ab7f357','BOpf_NTA3gsteZo6ea3OtdIyFSvfwGTRCaNFomGf_VM','ada','annotator','2026-11-30 20:44:29.666727');
CREATE INDEX events_of_artwork ON events (artwork_id, annotator, id);
CREATE INDEX events_of_query ON events (query_id, kind, annotator, id);
CREATE INDEX events_of_annotator ON events (annotator, id);
CREATE INDEX events_of_action ON events (action, id);
CREATE INDEX events_of_pair ON events (drawing_id, artwork_id, annotator, id);
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
CREATE VIEW counting AS SELECT * FROM events AS e WHERE action <> 'undo' AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.key);
CREATE VIEW notes AS SELECT annotator, drawing_id, artwork_id, note, at FROM (SELECT *, row_number() OVER (PARTITION BY annotator, drawing_id, artwork_id ORDER BY id DESC) AS newest FROM counting WHERE action <> 'adjudicate' AND (action = 'note' OR note <> '')) AS latest WHERE newest = 1 AND note <> '';
CREATE VIEW boxes AS SELECT annotator, drawing_id, artwork_id, drawing_box, artwork_box, at FROM (SELECT *, row_number() OVER (PARTITION BY annotator, drawing_id, artwork_id ORDER BY id DESC) AS newest FROM counting WHERE action = 'box') AS latest WHERE newest = 1 AND (drawing_box IS NOT NULL OR artwork_box IS NOT NULL);
CREATE VIEW judgements AS SELECT annotator, drawing_id, artwork_id, grade, kind, at, rank, score, shown, seconds, audit, model, index_sha256 FROM (SELECT *, row_number() OVER (PARTITION BY annotator, drawing_id, artwork_id ORDER BY id DESC) AS newest FROM counting WHERE action IN ('grade', 'clear')) AS latest WHERE newest = 1 AND action = 'grade';
CREATE VIEW answers AS SELECT annotator, query_id AS id, action AS answer, shown_ids, kind, at, rank, score, shown, seconds, audit, model, index_sha256 FROM (SELECT *, row_number() OVER (PARTITION BY annotator, kind, query_id ORDER BY id DESC) AS newest FROM counting WHERE action IN ('done', 'none', 'skip')) AS latest WHERE newest = 1;
CREATE VIEW adjudications AS SELECT drawing_id, artwork_id, grade, annotator, at, note FROM (SELECT *, row_number() OVER (PARTITION BY drawing_id, artwork_id ORDER BY id DESC) AS newest FROM counting WHERE action = 'adjudicate') AS latest WHERE newest = 1;
COMMIT;
