"""The statements of the engine's claims: what is due is looked through, a wave is claimed, its leases are renewed.

A claim finds its rows once and changes them where they lie (`ctid`): asked for by id a second time, a planner that takes
the table for empty would read all of it for each. A row that moved meanwhile is left for the next claim.

A claim changes no column that an index holds, its state least of all: on a page that has room (the table keeps some) the
new row takes the old one's entries in every index, which is half of what a claim would cost.

Each is written so that it costs what it moves, whatever the planner believes of the table: `coalesce(state, '')` keeps
the partial indexes of waiting rows out of what goes by id, where an old guess ("hardly any are waiting") would read all
that wait once for each row.

Every time is a parameter, from `clock.now()`. Only `lease_until` is written and compared by the database's own clock: a
lease is between processes on several machines, and no step of a machine's clock may end it early.
"""

from kicau.channels.usable_channels import usable_sql

# An outage that has begun holds its channels back until the next try.
READY_SQL = f"{usable_sql()} AND (o.until IS NULL OR o.until <= %(now)s)"

# What is due within `ahead` seconds, the oldest first, at most `each` of a channel and `most` of a network, so that one
# with many hides no other. The time is a value, so an index can be asked; with clock_timestamp(), which moves while the
# statement runs, every delivery that waits for next year would be read.
LOOK_UP_DUE_SQL = f"""
SELECT id, network, channel_id, version, outage, next_at FROM (
  SELECT *, row_number() OVER (PARTITION BY network ORDER BY due_at, id) AS nth FROM (
    SELECT d.id, d.network, d.channel_id, c.version, d.next_at, d.due_at, CASE WHEN o.until IS NOT NULL THEN o.id END AS outage,
        row_number() OVER (PARTITION BY d.channel_id ORDER BY d.due_at, d.id) AS place
    FROM publishing_delivery d
    JOIN channels_channel c ON c.id = d.channel_id JOIN channels_networkapp a ON a.id = c.app_id
    LEFT JOIN publishing_outage o ON o.app_id = c.app_id AND o.host = c.host AND o.ended_at IS NULL
    WHERE d.state IN ('scheduled', 'publishing') AND d.next_at <= %(until)s
      AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp()) AND {READY_SQL}
  ) seen WHERE place <= %(each)s
) ranked WHERE nth <= %(most)s ORDER BY due_at, id
"""  # noqa: S608 (nothing of it comes from outside)

# `begun_at` marks the claim, so it is later than that of the claim before, whatever the clock says.
CLAIM_SQL = f"""
WITH named AS MATERIALIZED (
    SELECT d.ctid AS place, d.channel_id, d.draft_id, d.begun_at IS NOT NULL AND NOT d.unsent AS died FROM publishing_delivery d
    WHERE d.id = ANY(%(ids)s::uuid[]) AND coalesce(d.state, '') IN ('scheduled', 'publishing') AND d.next_at <= %(now)s
      AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())
    FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT d.place, c.version, p.campaign_id, p.author_id, d.died FROM named d
    JOIN publishing_draft p ON p.id = d.draft_id JOIN channels_channel c ON c.id = d.channel_id JOIN channels_networkapp a ON a.id = c.app_id
    LEFT JOIN publishing_outage o ON o.app_id = c.app_id AND o.host = c.host AND o.ended_at IS NULL
    WHERE {READY_SQL}
)
UPDATE publishing_delivery d SET
    worker = %(worker)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    broken_at = coalesce(d.broken_at, CASE WHEN NOT d.unsent THEN d.begun_at END),
    begun_at = greatest(%(now)s, d.begun_at + interval '1 microsecond'),
    unsent = d.network = ANY(%(mute)s::text[]), changed_at = %(now)s
FROM chosen WHERE d.ctid = chosen.place
RETURNING d.id, d.network, d.channel_id, d.workspace_id, d.draft_id, d.key, d.due_at, d.begun_at, d.broken_at, d.steps, d.tries,
    d.progress, d.rendered, d.confirmed_at IS NOT NULL, chosen.version, chosen.campaign_id, chosen.author_id, chosen.died
"""  # noqa: S608

RENEW_LEASES_SQL = """
UPDATE publishing_delivery SET lease_until = clock_timestamp() + make_interval(secs => %s) WHERE id = ANY(%s::uuid[]) AND worker = %s
RETURNING id, begun_at
"""

# What is due while a network's allowance is spared says why it waits. It waits for no row that somebody else has.
UPDATE_REASON_SQL = """
UPDATE publishing_delivery SET reason = %s, said = %s, changed_at = %s WHERE id IN (
    SELECT d.id FROM publishing_delivery d JOIN channels_channel c ON c.id = d.channel_id
    WHERE c.app_id = %s AND c.id = coalesce(%s::uuid, c.id) AND d.state IN ('scheduled', 'publishing') AND d.next_at <= %s
      AND d.lease_until IS NULL AND d.broken_at IS NULL AND d.tries = 0
    FOR UPDATE OF d SKIP LOCKED)
"""
