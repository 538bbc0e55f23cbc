-- Copies of the demo's rows until its agency is large: creators, accounts, posts of two years, fans with conversations,
-- and sales. Columns that are added later are copied too.
SET LOCAL session_replication_role = replica;

CREATE TEMP TABLE model ON COMMIT DROP AS
  SELECT d.creator_id, d.channel_id, d.id AS delivery_id, d.post_id
  FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = d.post_id
  JOIN channels c ON c.tenant_id = d.tenant_id AND c.id = d.channel_id
  WHERE d.tenant_id = :tenant AND d.state = 'published' AND jsonb_array_length(to_jsonb(p.media)) > 0
  ORDER BY d.due_at DESC LIMIT 1;

CREATE TEMP TABLE owned ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS creator_id, gen_random_uuid() AS channel_id
  FROM generate_series(1, :creators) n;

INSERT INTO creators
  SELECT (jsonb_populate_record(c, jsonb_build_object('id', o.creator_id, 'slug', 'large-' || o.n,
    'name', 'Creator ' || o.n))).*
  FROM owned o, model m JOIN creators c ON c.id = m.creator_id AND c.tenant_id = :tenant;

INSERT INTO channels
  SELECT (jsonb_populate_record(c, jsonb_build_object('id', o.channel_id, 'creator_id', o.creator_id,
    'account', 'large-' || o.n))).*
  FROM owned o, model m JOIN channels c ON c.id = m.channel_id AND c.tenant_id = :tenant;

-- One post in fifty is planned within the next thirty days, the others were published in the last two years.
CREATE TEMP TABLE planned ON COMMIT DROP AS
  SELECT g.n, gen_random_uuid() AS post_id, gen_random_uuid() AS delivery_id, o.creator_id, o.channel_id, g.n % 50 = 0 AS ahead,
    date_trunc('minute', house_now()) + CASE WHEN g.n % 50 = 0 THEN make_interval(secs => 3600 + g.n * 2592000.0 / :posts)
      ELSE make_interval(secs => (g.n - :posts) * 63072000.0 / :posts) END AS at
  FROM generate_series(1, :posts) AS g (n) JOIN owned o ON o.n = 1 + g.n % :creators;

INSERT INTO posts
  SELECT (jsonb_populate_record(p, jsonb_build_object('id', x.post_id, 'creator_id', x.creator_id,
    'origin_key', 'large ' || x.n, 'body', 'Pictures of the week, number ' || x.n, 'created_at', least(x.at, house_now())))).*
  FROM planned x, model m JOIN posts p ON p.id = m.post_id AND p.tenant_id = :tenant;

INSERT INTO deliveries
  SELECT (jsonb_populate_record(d, jsonb_build_object('id', x.delivery_id, 'post_id', x.post_id,
    'creator_id', x.creator_id, 'channel_id', x.channel_id, 'occurrence_key', '', 'native_id',
    CASE WHEN x.ahead THEN NULL ELSE 'large-' || x.n END, 'state', CASE WHEN NOT x.ahead THEN 'published'
      WHEN x.n % 500 = 0 THEN 'draft' ELSE 'scheduled' END,
    'wall_time', to_char(x.at AT TIME ZONE d.zone, 'YYYY-MM-DD"T"HH24:MI:SS'), 'due_at', x.at, 'late_until', NULL,
    'settled_at', CASE WHEN x.ahead THEN NULL ELSE x.at END))).*
  FROM planned x, model m JOIN deliveries d ON d.id = m.delivery_id AND d.tenant_id = :tenant;

CREATE TEMP TABLE talk ON COMMIT DROP AS
  SELECT c.id AS conversation_id, c.fan_id, p.id AS payment_id, o.id AS order_id
  FROM payments p JOIN orders o ON o.tenant_id = p.tenant_id AND o.id = p.order_id
  JOIN conversations c ON c.tenant_id = o.tenant_id AND c.id = o.conversation_id
  WHERE p.tenant_id = :tenant AND p.kind = 'matched'
    AND EXISTS (SELECT FROM ledger_transactions t WHERE t.tenant_id = p.tenant_id AND position(p.id::text IN t.source_key) > 0)
  LIMIT 1;

CREATE TEMP TABLE people ON COMMIT DROP AS
  SELECT g.n, gen_random_uuid() AS fan_id, gen_random_uuid() AS conversation_id, o.creator_id, o.channel_id,
    house_now() - make_interval(secs => (:fans - g.n) * 31536000.0 / :fans) AS at
  FROM generate_series(1, :fans) AS g (n) JOIN owned o ON o.n = 1 + g.n % :creators;

INSERT INTO fans
  SELECT (jsonb_populate_record(f, jsonb_build_object('id', x.fan_id, 'creator_id', x.creator_id,
    'display_name', 'Fan ' || x.n, 'created_at', x.at))).*
  FROM people x, talk t JOIN fans f ON f.id = t.fan_id AND f.tenant_id = :tenant;

INSERT INTO fan_identities
  SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'fan_id', x.fan_id,
    'creator_id', x.creator_id, 'channel_id', x.channel_id, 'native_id', 'large-' || x.n, 'handle', 'fan' || x.n))).*
  FROM people x, talk t JOIN fan_identities i ON i.tenant_id = :tenant AND i.id = (SELECT id FROM fan_identities
    WHERE fan_id = t.fan_id AND tenant_id = :tenant LIMIT 1);

INSERT INTO fan_facts
  SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'fan_id', x.fan_id,
    'creator_id', x.creator_id))).*
  FROM people x, talk t JOIN fan_facts i ON i.fan_id = t.fan_id AND i.tenant_id = :tenant;

INSERT INTO conversations
  SELECT (jsonb_populate_record(c, jsonb_build_object('id', x.conversation_id, 'fan_id', x.fan_id,
    'creator_id', x.creator_id, 'channel_id', x.channel_id, 'owner', CASE WHEN x.n % 100 = 0 THEN 'pending_human' ELSE 'bot' END,
    'owner_member_id', NULL, 'last_seq', 4, 'last_in_seq', 3, 'last_in_at', x.at, 'session_at', x.at,
    'unanswered_since', CASE WHEN x.n % 100 = 0 THEN x.at END, 'snoozed_until', NULL, 'created_at', x.at))).*
  FROM people x, talk t JOIN conversations c ON c.id = t.conversation_id AND c.tenant_id = :tenant;

INSERT INTO messages
  SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'conversation_id', x.conversation_id,
    'creator_id', x.creator_id, 'seq', s, 'direction', CASE WHEN s % 2 = 1 THEN 'in' ELSE 'out' END,
    'author', CASE WHEN s % 2 = 1 THEN 'fan' ELSE 'bot' END, 'native_id', 'large-' || x.n || '-' || s, 'draft_id', NULL,
    'body', 'Message ' || s || ' of fan ' || x.n, 'at', x.at + s * interval '1 second'))).*
  FROM people x, generate_series(1, 4) s, talk t JOIN messages m ON m.tenant_id = :tenant AND
    m.id = (SELECT id FROM messages WHERE conversation_id = t.conversation_id AND tenant_id = :tenant LIMIT 1);

CREATE TEMP TABLE sold ON COMMIT DROP AS
  SELECT x.*, gen_random_uuid() AS order_id, gen_random_uuid() AS payment_id FROM people x WHERE x.n % 2 = 0;

INSERT INTO orders
  SELECT (jsonb_populate_record(o, jsonb_build_object('id', x.order_id, 'creator_id', x.creator_id, 'fan_id', x.fan_id,
    'conversation_id', x.conversation_id, 'channel_id', x.channel_id, 'offer_id', NULL, 'created_at', x.at))).*
  FROM sold x, talk t JOIN orders o ON o.id = t.order_id AND o.tenant_id = :tenant;

INSERT INTO payments
  SELECT (jsonb_populate_record(p, jsonb_build_object('id', x.payment_id, 'creator_id', x.creator_id, 'fan_id', x.fan_id,
    'order_id', x.order_id, 'channel_id', x.channel_id, 'charge_id', 'large-' || x.n, 'at', x.at, 'created_at', x.at))).*
  FROM sold x, talk t JOIN payments p ON p.id = t.payment_id AND p.tenant_id = :tenant;

INSERT INTO fulfilments
  SELECT (jsonb_populate_record(f, jsonb_build_object('id', gen_random_uuid(), 'creator_id', x.creator_id,
    'payment_id', x.payment_id, 'order_id', x.order_id, 'fan_id', x.fan_id, 'conversation_id', x.conversation_id,
    'channel_id', x.channel_id, 'native_id', NULL))).*
  FROM sold x, talk t JOIN fulfilments f ON f.payment_id = t.payment_id AND f.tenant_id = :tenant;

CREATE TEMP TABLE booked ON COMMIT DROP AS
  SELECT l.id AS model_id, gen_random_uuid() AS id, x.*, replace(l.source_key, t.payment_id::text, x.payment_id::text) AS key
  FROM sold x, talk t JOIN ledger_transactions l ON l.tenant_id = :tenant
    AND position(t.payment_id::text IN l.source_key) > 0;

INSERT INTO ledger_transactions
  SELECT (jsonb_populate_record(l, jsonb_build_object('id', b.id, 'creator_id', b.creator_id, 'fan_id', b.fan_id,
    'source_key', b.key, 'occurred_at', b.at, 'created_at', b.at))).*
  FROM booked b JOIN ledger_transactions l ON l.id = b.model_id AND l.tenant_id = :tenant;

INSERT INTO ledger_entries
  SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'creator_id', b.creator_id,
    'transaction_id', b.id))).*
  FROM booked b JOIN ledger_entries e ON e.transaction_id = b.model_id AND e.tenant_id = :tenant;
