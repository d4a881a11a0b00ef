from django.db import migrations

# Earlier releases took a refused look-up for a refusal of the post: such a delivery failed, and a retry sent it without
# looking whether it was out. Where the last thing that was done for a failed delivery is such a look-up, the doubt is
# written down again, so that a retry looks first. The step began at most a request's time before its answer was lost.
DOUBT = """
UPDATE publishing_delivery d
SET broken_at = coalesce(
    (SELECT max(p.at) FROM publishing_attempt p
     WHERE p.delivery_id = d.id AND p.did = 'publish' AND p.outcome = 'uncertain' AND p.id < last.id),
    last.at
) - interval '2 minutes'
FROM (
    SELECT DISTINCT ON (a.delivery_id) a.delivery_id, a.id, a.at, a.did, a.outcome
    FROM publishing_attempt a
    JOIN publishing_delivery f ON f.id = a.delivery_id AND f.state = 'failed' AND f.broken_at IS NULL
    WHERE a.did IN ('publish', 'find')
    ORDER BY a.delivery_id, a.id DESC
) last
WHERE d.id = last.delivery_id AND last.did = 'find' AND last.outcome = 'rejected'
"""


class Migration(migrations.Migration):
    dependencies = [("publishing", "0017_shown_by_us")]

    operations = [migrations.RunSQL(DOUBT, migrations.RunSQL.noop)]
