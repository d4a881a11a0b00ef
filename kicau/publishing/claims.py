"""The three statements that move deliveries in bulk: a wave is claimed, its leases are renewed, its outcomes are written."""

CLAIM = """
WITH room AS (
    SELECT * FROM unnest(%(groups)s::text[], %(free)s::int[]) AS r (network, free) WHERE free > 0
), busy AS (
    SELECT * FROM unnest(%(lanes)s::uuid[], %(used)s::int[]) AS b (channel_id, used)
), waiting AS (
    SELECT channel_id, min(next_at) AS first FROM publishing_delivery
    WHERE state IN ('scheduled', 'publishing') AND next_at <= clock_timestamp() GROUP BY channel_id
), open AS (
    SELECT c.id, c.network, c.version, w.first, %(per_lane)s - coalesce(b.used, 0) AS free
    FROM waiting w JOIN channels_channel c ON c.id = w.channel_id JOIN channels_networkapp a ON a.id = c.app_id
    LEFT JOIN busy b ON b.channel_id = c.id
    WHERE c.state = 'active' AND NOT c.is_paused AND (c.leaves_at IS NULL OR c.leaves_at > clock_timestamp())
      AND (c.paused_until IS NULL OR c.paused_until <= clock_timestamp())
      AND (a.paused_until IS NULL OR a.paused_until <= clock_timestamp())
), candidate AS (
    SELECT d.id, o.network, o.version, d.next_at, row_number() OVER (PARTITION BY o.network ORDER BY d.next_at) AS place
    FROM open o CROSS JOIN LATERAL (
        SELECT id, next_at FROM publishing_delivery
        WHERE channel_id = o.id AND state IN ('scheduled', 'publishing') AND next_at <= clock_timestamp()
          AND (lease_until IS NULL OR lease_until <= clock_timestamp())
        ORDER BY next_at LIMIT greatest(o.free, 0)
    ) d
), chosen AS (
    SELECT d.id, c.version, p.campaign_id, p.author_id, d.begun_at IS NOT NULL AS died FROM candidate c JOIN room r ON r.network = c.network AND c.place <= r.free
    JOIN publishing_delivery d ON d.id = c.id JOIN publishing_draft p ON p.id = d.draft_id
    WHERE d.state IN ('scheduled', 'publishing') AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())
    ORDER BY d.next_at FOR UPDATE OF d SKIP LOCKED
)
UPDATE publishing_delivery d SET
    state = 'publishing', worker = %(worker)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    broken_at = coalesce(d.broken_at, d.begun_at), begun_at = clock_timestamp(), changed_at = clock_timestamp()
FROM chosen WHERE d.id = chosen.id
RETURNING d.id, d.network, d.channel_id, d.workspace_id, d.draft_id, d.key, d.due_at, d.begun_at, d.broken_at, d.steps, d.tries,
    d.progress, d.rendered, d.confirmed_at IS NOT NULL, chosen.version, chosen.campaign_id, chosen.author_id, chosen.died
"""

# A row is written only while it is still this claim's (begun_at is its mark): who lost the lease lost the word, even
# to a later claim of its own.
SETTLE = """
UPDATE publishing_delivery d SET
    state = v.state, hold = v.hold, next_at = v.next_at, progress = coalesce(v.progress, d.progress), steps = v.steps, tries = v.tries,
    broken_at = v.broken_at, begun_at = NULL, lease_until = NULL, worker = '', reason = v.reason, problems = v.problems,
    remote_ids = coalesce(v.remote_ids, d.remote_ids), url = coalesce(v.url, d.url), raw = coalesce(v.raw, d.raw),
    published_at = coalesce(v.published_at, d.published_at), changed_at = clock_timestamp()
FROM (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS v (
    id uuid, begun_at timestamptz, state text, hold text, next_at timestamptz, progress jsonb, steps int, tries int, broken_at timestamptz, reason text,
    problems jsonb, remote_ids varchar[], url text, raw jsonb, published_at timestamptz)) v
WHERE d.id = v.id AND d.worker = %s AND d.state = 'publishing' AND d.begun_at = v.begun_at
RETURNING d.id
"""

RENEW = """
UPDATE publishing_delivery SET lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = ANY(%s) AND worker = %s
RETURNING id, begun_at
"""
