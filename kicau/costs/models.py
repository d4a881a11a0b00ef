"""The ledger (Charge), what may be spent (Budget) and what is about to be (Reservation)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models

from kicau.base.clock import now
from kicau.base.ids import new_id
from kicau.workspaces.models import Person, Workspace


class Purpose(models.TextChoices):
    PUBLISH = "publish", "publishing"
    FIND = "find", "checking whether posts were published"
    CONNECT = "connect", "connecting a channel"
    REFRESH = "refresh", "keeping Kicau connected to a channel"
    READ = "read", "checking which features a channel of the network supports"
    ANSWERS = "answers", "checking for new comments and replies to your posts"
    NUMBERS = "numbers", "fetching post statistics"
    DELETE = "delete", "deleting a published post from the network"
    EDIT = "edit", "changing a published post"


SYNC_PURPOSES = (Purpose.READ, Purpose.ANSWERS, Purpose.NUMBERS)  # what slows down before publishing stops
AUTOMATIC_PURPOSES = (Purpose.ANSWERS, Purpose.NUMBERS)  # what goes on by itself, day and night


class Charge(models.Model):
    """Units of a network's meter that one call used, and their price at that moment."""

    at = models.DateTimeField(default=now)
    workspace_id = models.UUIDField()  # plain ids: the ledger outlives what it tells of, and is written in bulk
    channel_id = models.UUIDField(null=True)
    delivery_id = models.UUIDField(null=True)
    campaign_id = models.UUIDField(null=True)
    person_id = models.UUIDField(null=True)  # whose post it was, or who asked
    app_id = models.UUIDField(null=True)
    network = models.CharField(max_length=40)
    meter = models.CharField(max_length=60)
    units = models.IntegerField()
    micro = models.BigIntegerField(default=0)  # micro-units of `currency`
    currency = models.CharField(max_length=3, blank=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    once = models.CharField(max_length=200, blank=True, default="")  # what was made: billed once, whoever reports it
    is_certain = models.BooleanField(
        default=True
    )  # False: the answer was lost and may have cost nothing, or another meter may apply

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app_id", "once"], name="billed_once", condition=~models.Q(once=""))
        ]
        indexes = [
            models.Index(fields=["workspace_id", "at"], name="charge_workspace"),
            models.Index(fields=["app_id", "at"], name="charge_app"),
            models.Index(fields=["delivery_id"], name="charge_delivery", condition=models.Q(delivery_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.network} {self.meter} x{self.units}"


class BilledResource(models.Model):
    """A resource that was read on a UTC day: to read it again that day costs nothing. Forgotten after three days."""

    pk = models.CompositePrimaryKey("app_id", "day", "meter", "resource")
    app_id = models.UUIDField()
    day = models.DateField()
    meter = models.CharField(max_length=60)
    resource = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["day"], name="billed_day")]

    def __str__(self) -> str:
        return f"{self.meter} {self.resource} on {self.day}"


class BudgetPeriod(models.TextChoices):
    DAY = "day", "a day"
    MONTH = "month", "a month"
    TOTAL = "total", "in total"
    HOUR = "hour", "an hour"
    LAST_DAY = "24h", "24 hours"
    MINUTES = "5m", "5 minutes"


USER_PERIODS = (
    BudgetPeriod.DAY,
    BudgetPeriod.MONTH,
    BudgetPeriod.TOTAL,
)  # what a budget that somebody makes may be for
ROLLING_PERIODS = {
    BudgetPeriod.MINUTES: timedelta(minutes=5),
    BudgetPeriod.HOUR: timedelta(hours=1),
    BudgetPeriod.LAST_DAY: timedelta(hours=24),
}  # counted back from each moment
# The periods of a price list's caps, which hold like budgets.
CAP_PERIODS = {
    "5 minutes": BudgetPeriod.MINUTES,
    "hour": BudgetPeriod.HOUR,
    "24 hours": BudgetPeriod.LAST_DAY,
    "day": BudgetPeriod.DAY,
    "month": BudgetPeriod.MONTH,
}


class Budget(models.Model):
    """What may be spent in a period, of a currency or (where that is "") in units of meters, counted together.

    What is not named is not looked at: a budget that names only a workspace is for all that the workspace does.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, related_name="budgets")
    app_id = models.UUIDField(null=True)
    network = models.CharField(max_length=40, blank=True)
    channel_id = models.UUIDField(null=True)
    campaign_id = models.UUIDField(null=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, blank=True)
    period = models.CharField(max_length=5, choices=BudgetPeriod.choices, default=BudgetPeriod.MONTH)
    timezone = models.CharField(max_length=64, default="UTC")  # in which days and months begin
    currency = models.CharField(max_length=3, blank=True)
    meter = models.CharField(max_length=200, blank=True)  # one or more, with spaces between
    cap = models.CharField(max_length=200, blank=True, default="")  # which one of a plan it holds; "" for people's own
    amount = models.BigIntegerField()  # micro-units of the currency, or units of the meter
    is_hard = models.BooleanField(default=True)  # holds what does not fit; else it only tells
    notify_at_percent = models.PositiveSmallIntegerField(default=80)  # percent used at which people are told
    sync_share_percent = models.PositiveSmallIntegerField(default=70)  # percent of it that reading may use up
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def meters(self) -> frozenset[str]:
        return frozenset(self.meter.split())

    @property
    def is_rolling(self) -> bool:
        return self.period in ROLLING_PERIODS


class BudgetUse(models.Model):
    """What a budget's charges came to in one of its periods."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="uses")
    begins_at = models.DateTimeField()  # of the period, UTC
    amount = models.BigIntegerField(default=0)
    told = models.PositiveSmallIntegerField(default=0)  # percent at which people were told already

    class Meta:
        constraints = [models.UniqueConstraint(fields=["budget", "begins_at"], name="one_use_each_period")]

    def __str__(self) -> str:
        return f"{self.budget_id} from {self.begins_at}"


class Reservation(models.Model):
    """What a piece of work may still spend. Made before it is sent; what was spent is taken off in the transaction that
    writes the charge, so that a worker that dies frees nothing that may have been spent."""

    holder = models.UUIDField()  # a delivery, or one reading
    workspace_id = models.UUIDField()
    channel_id = models.UUIDField(null=True)
    campaign_id = models.UUIDField(null=True)
    app_id = models.UUIDField(null=True)
    network = models.CharField(max_length=40)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    meter = models.CharField(max_length=60)
    units = models.IntegerField()
    micro = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    until = models.DateTimeField(null=True)  # UTC; None: until the work reports

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holder", "purpose", "meter"], name="one_reservation_each_meter")
        ]

    def __str__(self) -> str:
        return f"{self.units} {self.meter} for {self.holder}"


class OperatorPriceList(models.Model):
    """A price list that the operator entered, in TOML; the newest version of a name and day replaces ours and older ones."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    network = models.CharField(max_length=40)
    toml = models.TextField()
    added_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)
    added_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.network}, entered {self.added_at}"


class ExchangeRate(models.Model):
    """What one unit of `currency` is worth in `shown_in` from a day on, as the operator entered it. For display only."""

    currency = models.CharField(max_length=3)
    shown_in = models.CharField(max_length=3)
    since = models.DateField()
    rate = models.DecimalField(max_digits=20, decimal_places=8)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["currency", "shown_in", "since"], name="one_rate_each_day")]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate} {self.shown_in} from {self.since}"
