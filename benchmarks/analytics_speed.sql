-- Readings of the imported posts of one agency at growing ages, without those of its oldest posts, which are stored by the
-- product; its sales as the ledger books them; and the rollups that the product would have built, all but those of the
-- next oldest posts. No two readings of a post are more than a day apart, so that no change is spread over days.
SET LOCAL session_replication_role = replica;

INSERT INTO metric_snapshots (tenant_id, id, creator_id, delivery_id, channel_id, metric, age_hours, value, quality,
  observed_at, created_at, updated_at)
  SELECT d.tenant_id, gen_random_uuid(), d.creator_id, d.id, d.channel_id, m.metric, a.age,
    round(m.usual * (1 - exp(-a.age / 48.0)) * (1 + d.number % 17)), 'measured',
    d.settled_at + make_interval(hours => a.age), d.settled_at, d.settled_at
  FROM (SELECT *, row_number() OVER (ORDER BY due_at, id) AS number FROM deliveries WHERE tenant_id = :tenant) d
  CROSS JOIN unnest(CAST(:ages AS integer[])) AS a (age)
  CROSS JOIN (VALUES ('views', 900), ('reach', 600), ('likes', 90), ('comments', 9), ('shares', 7)) AS m (metric, usual)
  WHERE d.number > :live AND d.settled_at + make_interval(hours => a.age) < :now;

CREATE TEMP TABLE marked ON COMMIT DROP AS
  SELECT id FROM deliveries WHERE tenant_id = :tenant ORDER BY due_at, id LIMIT :live + :marked;

INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)
  SELECT d.tenant_id, gen_random_uuid(), d.creator_id, d.id FROM deliveries d JOIN marked m ON m.id = d.id
  WHERE d.tenant_id = :tenant AND EXISTS (SELECT FROM metric_snapshots s WHERE s.tenant_id = :tenant AND s.delivery_id = d.id);

INSERT INTO post_days (tenant_id, id, creator_id, channel_id, delivery_id, day, metric, value, interpolated)
  SELECT :tenant, gen_random_uuid(), creator_id, channel_id, delivery_id, day, metric, sum(change), false
  FROM (SELECT s.creator_id, s.channel_id, s.delivery_id, s.metric, CAST(s.observed_at AT TIME ZONE c.zone AS date) AS day,
      s.value - coalesce(lag(s.value) OVER (PARTITION BY s.delivery_id, s.metric ORDER BY s.age_hours), 0) AS change
    FROM metric_snapshots s JOIN creators c ON c.tenant_id = s.tenant_id AND c.id = s.creator_id
    WHERE s.tenant_id = :tenant AND s.delivery_id NOT IN (SELECT id FROM marked)) changes
  GROUP BY creator_id, channel_id, delivery_id, metric, day HAVING sum(change) <> 0;

INSERT INTO post_latest (tenant_id, id, creator_id, channel_id, delivery_id, metric, value, before_tracking,
  earlier_epochs, observed_at)
  SELECT DISTINCT ON (delivery_id, metric) :tenant, gen_random_uuid(), creator_id, channel_id, delivery_id, metric, value,
    0, 0, observed_at
  FROM metric_snapshots WHERE tenant_id = :tenant AND delivery_id NOT IN (SELECT id FROM marked)
  ORDER BY delivery_id, metric, age_hours DESC;

INSERT INTO channel_days (tenant_id, id, creator_id, channel_id, day, metric, value)
  SELECT :tenant, gen_random_uuid(), creator_id, channel_id, day, metric, sum(value) FROM post_days
  WHERE tenant_id = :tenant GROUP BY creator_id, channel_id, day, metric;

INSERT INTO creator_daily (tenant_id, id, creator_id, day, published, waiting, troubled, views, interactions,
  messages_in, messages_out, new_fans)
  SELECT c.tenant_id, gen_random_uuid(), c.id, CAST(g.day AS date), 3, 0, 0, coalesce(counted.views, 0),
    coalesce(counted.interactions, 0), 20, 25, 4
  FROM creators c CROSS JOIN generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS g (day)
  LEFT JOIN (SELECT creator_id, day, sum(value) FILTER (WHERE metric = 'views') AS views,
      sum(value) FILTER (WHERE metric IN ('likes', 'comments', 'shares')) AS interactions
    FROM channel_days WHERE tenant_id = :tenant GROUP BY creator_id, day) counted
    ON counted.creator_id = c.id AND counted.day = CAST(g.day AS date)
  WHERE c.tenant_id = :tenant ON CONFLICT DO NOTHING;

-- Four sales to each fan. Half of them come from a statement, which books its fee apart; each tenth is returned.
CREATE TEMP TABLE sold ON COMMIT DROP AS
  SELECT n.*, gen_random_uuid() AS order_id, gen_random_uuid() AS payment_id,
    md5(concat_ws(':', 'fan', n.creator_id, n.number / 4))::uuid AS fan_id
  FROM (SELECT c.tenant_id, c.id AS creator_id, a.id AS channel_id, c.zone, g.number,
      500 + g.number % 7 * 250 AS minor,
      CAST(:now AS timestamptz) - g.number * make_interval(days => :days) / :sales AS at
    FROM creators c JOIN channels a ON a.tenant_id = c.tenant_id AND a.creator_id = c.id,
      generate_series(1, :sales) AS g (number) WHERE c.tenant_id = :tenant) n;

INSERT INTO fans (tenant_id, id, creator_id, display_name, language, opt_out, status)
  SELECT DISTINCT ON (fan_id) tenant_id, fan_id, creator_id, 'Fan ' || number / 4, 'en', false, 'active' FROM sold;

INSERT INTO orders (tenant_id, id, creator_id, fan_id, conversation_id, channel_id, pack_id, pack_version, title, rail,
  currency, amount_minor, state, expires_at, created_at)
  SELECT tenant_id, order_id, creator_id, fan_id, fan_id, channel_id, md5(concat(creator_id, number % 20))::uuid, 1,
    'Pack ' || number % 20, 'sandbox', 'EUR', minor, CASE WHEN number % 10 = 0 THEN 'refunded' ELSE 'fulfilled' END, at, at
  FROM sold;

INSERT INTO payments (tenant_id, id, creator_id, rail, account, channel_id, charge_id, order_id, fan_id, payer,
  amount_minor, currency, product, kind, at, created_at)
  SELECT tenant_id, payment_id, creator_id, 'sandbox', 'bench', channel_id, CAST(payment_id AS text), order_id, fan_id,
    '', minor, 'EUR', '', 'matched', at, at
  FROM sold;

CREATE TEMP TABLE booked ON COMMIT DROP AS
  SELECT s.tenant_id, gen_random_uuid() AS id, s.creator_id, b.kind, b.source_kind, CAST(s.payment_id AS text) AS key,
    s.fan_id, s.zone, s.minor, s.at + b.later AS at
  FROM sold s CROSS JOIN LATERAL (VALUES ('sale', 'payment', interval '0', true),
    ('split', 'split', interval '0', true), ('fee', 'statement_fee', interval '0', s.number % 2 = 0),
    ('refund', 'refund', interval '2 hours', s.number % 10 = 0)) AS b (kind, source_kind, later, is_booked)
  WHERE b.is_booked AND s.at + b.later < :now;

INSERT INTO ledger_transactions (tenant_id, id, creator_id, kind, source_kind, source_key, fan_id, occurred_at,
  created_at)
  SELECT tenant_id, id, creator_id, kind, source_kind, key, fan_id, at, at FROM booked;

CREATE TEMP TABLE entered ON COMMIT DROP AS
  SELECT b.*, e.account, e.part FROM booked b CROSS JOIN LATERAL (VALUES ('sale', 'sales', -minor),
    ('sale', 'rail:sandbox:bench', minor), ('split', 'creator_due', -minor / 2), ('split', 'agency_due', minor / 2 - minor),
    ('split', 'allocated', minor), ('fee', 'platform_fee', minor / 5), ('fee', 'rail:sandbox:bench', -(minor / 5)),
    ('refund', 'refunds', minor), ('refund', 'rail:sandbox:bench', -minor)) AS e (kind, account, part)
  WHERE e.kind = b.kind;

INSERT INTO ledger_entries (tenant_id, id, creator_id, transaction_id, account, currency, amount_minor)
  SELECT tenant_id, gen_random_uuid(), creator_id, id, account, 'EUR', part FROM entered;

INSERT INTO sales_daily (tenant_id, id, creator_id, day, currency, orders, gross_minor, refunds_minor, creator_minor,
  agency_minor, staff_minor, fees_minor)
  SELECT tenant_id, gen_random_uuid(), creator_id, CAST(at AT TIME ZONE zone AS date), 'EUR',
    count(*) FILTER (WHERE account = 'sales'), coalesce(-sum(part) FILTER (WHERE account = 'sales'), 0),
    coalesce(sum(part) FILTER (WHERE account = 'refunds'), 0),
    coalesce(-sum(part) FILTER (WHERE account = 'creator_due'), 0),
    coalesce(-sum(part) FILTER (WHERE account = 'agency_due'), 0), 0,
    coalesce(sum(part) FILTER (WHERE account = 'platform_fee'), 0)
  FROM entered GROUP BY tenant_id, creator_id, CAST(at AT TIME ZONE zone AS date);
