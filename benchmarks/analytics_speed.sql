-- Readings of the imported posts of one agency at growing ages, all but those of every tenth post, which are stored by
-- the product; and a row of sales and work for each day of its creators, as the days' rollups would have left them.
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

INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)
  SELECT DISTINCT ON (delivery_id) tenant_id, gen_random_uuid(), creator_id, delivery_id FROM metric_snapshots
  WHERE tenant_id = :tenant;

INSERT INTO creator_daily (tenant_id, id, creator_id, day, published, waiting, troubled, views, interactions,
  messages_in, messages_out, new_fans)
  SELECT c.tenant_id, gen_random_uuid(), c.id, CAST(day AS date), 3, 0, 0, 0, 0, 20, 25, 4
  FROM creators c, generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') day
  WHERE c.tenant_id = :tenant ON CONFLICT DO NOTHING;

INSERT INTO sales_daily (tenant_id, id, creator_id, day, currency, orders, gross_minor, refunds_minor, creator_minor,
  agency_minor, staff_minor)
  SELECT c.tenant_id, gen_random_uuid(), c.id, CAST(day AS date), 'EUR', 9, 9000, 100, 5000, 3000, 900
  FROM creators c, generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') day
  WHERE c.tenant_id = :tenant ON CONFLICT DO NOTHING;
