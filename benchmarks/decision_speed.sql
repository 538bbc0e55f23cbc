-- An agency with a long past: people with papers, pictures of two of them each, posts and messages that went out, and
-- a blocklist of which none looks like them. Digests are those of `_digest` in bench_gate.py.
SET LOCAL session_replication_role = replica;

CREATE TEMP TABLE past_persons ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS id FROM generate_series(1, :persons) n;

INSERT INTO persons (tenant_id, id, kind, display_ref, state)
  SELECT :tenant, id, 'real', 'P' || n, 'active' FROM past_persons;

INSERT INTO identity_checks (tenant_id, id, person_id, custodian, method, result, verified_at, evidence_digest)
  SELECT :tenant, gen_random_uuid(), id, 'custodian', 'document', 'over_18', house_now() - interval '400 days', 'e'
  FROM past_persons;

INSERT INTO consent_grants (tenant_id, id, person_id, scope, surfaces, max_rating, valid_from, valid_until,
    evidence_digest, signed_by)
  SELECT :tenant, gen_random_uuid(), p.id, what, '["sandbox"]', 'E', house_now() - interval '300 days',
    house_now() + interval '300 days', 'e', p.id
  FROM past_persons p, unnest(ARRAY['depict', 'publish', 'download_sell']) what;

CREATE TEMP TABLE past_renditions ON COMMIT DROP AS
  SELECT n, gen_random_uuid() AS id, encode(sha256(convert_to('rendition ' || n, 'UTF8')), 'hex') AS sha256
  FROM generate_series(1, :renditions) n;

INSERT INTO assets (tenant_id, id, creator_id, origin, ai, engine, label, made_at, source, people_seen)
  SELECT :tenant, id, :creator, 'upload', 'none', 'camera', '', house_now() - interval '100 days', 'capture', 2
  FROM past_renditions;

INSERT INTO renditions (tenant_id, id, asset_id, sha256, mime, size, width, height, profile, phash, state)
  SELECT :tenant, gen_random_uuid(), id, sha256, 'image/jpeg', 1000, 1080, 1350, 'post', repeat('0', 8) || left(sha256, 8),
    'made'
  FROM past_renditions;

INSERT INTO content_ratings (tenant_id, id, sha256, rating, source)
  SELECT :tenant, gen_random_uuid(), sha256, rating, 'classifier@1'
  FROM past_renditions, unnest(ARRAY['S', 'N']) rating;

INSERT INTO human_reviews (tenant_id, id, about, digest, principal_id, verdict, seen_percent, created_at)
  SELECT :tenant, gen_random_uuid(), 'bytes', sha256, gen_random_uuid(), 'approve', 100, house_now() - interval '9 days'
  FROM past_renditions;

INSERT INTO depictions (tenant_id, id, asset_id, person_id, how, state, confirmed_by)
  SELECT :tenant, gen_random_uuid(), r.id, p.id, 'face', 'confirmed', 'shoot_card'
  FROM past_renditions r JOIN past_persons p ON p.n IN (1 + r.n % :persons, 1 + (r.n * 7 + 3) % :persons);

INSERT INTO age_assurances (tenant_id, id, platform, user_id, state, method, level, over_18, jurisdiction, assured_at,
    expires_at, epoch)
  SELECT :tenant, gen_random_uuid(), 'sandbox', 'reader-' || n, 'assured', 'document', 'L4', true, '',
    house_now() - interval '10 days', house_now() + interval '300 days', 1
  FROM generate_series(1, :readers) n;

INSERT INTO blocklist (tenant_id, id, sha256, phash, category)
  SELECT :tenant, gen_random_uuid(), encode(sha256(convert_to('gone ' || n, 'UTF8')), 'hex'),
    repeat('f', 8) || left(encode(sha256(convert_to('look ' || n, 'UTF8')), 'hex'), 8), 'ncii'
  FROM generate_series(1, :blocked) n;

INSERT INTO decisions (tenant_id, id, seq, prev_hash, hash, decided_at, subject_kind, subject_id, creator_id, channel_id,
    surface, unit_digest, snapshot_digest, author, stage, verdict, reasons, rating, flags, bundle)
  SELECT :tenant, ('00000000-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n, '', md5(n::text),
    house_now() - interval '200 days' + n * interval '10 seconds', 'draft', gen_random_uuid(), :creator, :channel,
    'sandbox.chat', md5(n::text) || md5(n::text), '', 'system:chat', 'mint', 'A', '[]', 'G', '[]', 'bench'
  FROM generate_series(1, :permits) n;

INSERT INTO decision_inputs (tenant_id, id, unit, snapshot)
  SELECT :tenant, ('00000000-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    '{"tenant_id":"' || CAST(:tenant AS text) || '","creator_id":"' || CAST(:creator AS text)
      || '","subject":{"kind":"draft","id":"' || gen_random_uuid() || '"},"platform":"sandbox","surface":"sandbox.chat",'
      || '"channel_id":"' || CAST(:channel AS text) || '","account":"bench","audience":"viewer","viewer":"reader-'
      || 1 + n % :readers || '","texts":[{"field":"body","body":"See you at eight, I will bring the photographs."}]}',
    '{}'
  FROM generate_series(:permits - 3 * :readers, :permits) n;

INSERT INTO permits (tenant_id, id, creator_id, decision_id, subject_kind, subject_id, channel_id, account, platform,
    surface, viewer, step, unit_digest, wire_digest, flags, media, persons, bundle, epochs, minted_at, expires_at, state,
    native_ids, gone_proof)
  SELECT :tenant, gen_random_uuid(), :creator, ('00000000-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'draft',
    gen_random_uuid(), :channel, 'bench', 'sandbox', 'sandbox.chat', 'reader-' || 1 + n % :readers, 'send', md5(n::text),
    md5(n::text), '[]', '[]', '[]', 'bench', '{}', now() - interval '200 days' + n * interval '10 seconds',
    now() - interval '200 days' + n * interval '10 seconds' + interval '60 seconds', 'consumed',
    jsonb_build_array('m' || n), ''
  FROM generate_series(1, :permits) n;

INSERT INTO log_heads (tenant_id, id, seq, hash) VALUES (:tenant, :tenant, :permits, md5(CAST(:permits AS text)))
  ON CONFLICT (tenant_id, id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
