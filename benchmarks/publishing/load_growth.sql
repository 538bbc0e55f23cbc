-- Copies of one planned post, its delivery and what is due for it, over the 364 days after it: columns that are added
-- later come along. A row that somebody works on at this moment is not copied: its copies would hold the places of those
-- that send until their leases end, for three quarters of a minute.
SET LOCAL session_replication_role = replica;

CREATE TEMP TABLE copies ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS post, gen_random_uuid() AS delivery, make_interval(secs => n * 31449600.0 / :share) AS on_
  FROM generate_series(1, :share) n;

INSERT INTO posts
  SELECT (jsonb_populate_record(p, jsonb_build_object('id', c.post, 'origin_key', 'scale ' || c.post))).*
  FROM copies c, posts p WHERE p.id = :post;

INSERT INTO deliveries
  SELECT (jsonb_populate_record(d, jsonb_build_object('id', c.delivery, 'post_id', c.post,
    'wall_time', to_char(CAST(d.wall_time AS timestamp) + c.on_, 'YYYY-MM-DD"T"HH24:MI:SS'),
    'due_at', d.due_at + c.on_, 'late_until', d.late_until + c.on_))).*
  FROM copies c, deliveries d WHERE d.post_id = :post;

INSERT INTO outbox
  SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'subject_id', c.delivery,
    'available_at', o.available_at + c.on_, 'dedupe_key', o.dedupe_key || ' ' || c.n))).*
  FROM copies c, deliveries d JOIN outbox o ON o.tenant_id = d.tenant_id AND o.subject_id = d.id
    AND o.state = 'waiting' AND o.available_at > house_now()
  WHERE d.post_id = :post
