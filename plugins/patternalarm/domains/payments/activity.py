"""Payments: shopping, banking and cash of consumers and small businesses; six frauds and what resembles them.

``Actors.level`` is the usual amount of a purchase in currency units; of a business, of one deposit of takings.
"""

from typing import Any, ClassVar, Final

import numpy as np

from patternalarm.generator.activity.domain_model import DomainModel, Scenario, Session
from patternalarm.generator.activity.population import Actors, Segment, foreign_country
from patternalarm.generator.activity.script import Script
from patternalarm.generator.batch import (
    COUNTRIES,
    Array,
    Column,
    ColumnKind,
    boolean,
    category,
    identifier,
    mint,
    number,
)

# Merchant categories: share of merchants, and price relative to the actor's usual amount.
_GOODS: Final[dict[str, tuple[float, float]]] = {
    "groceries": (0.24, 1.0),
    "restaurants": (0.16, 0.8),
    "transport": (0.10, 0.5),
    "household": (0.10, 1.3),
    "clothing": (0.09, 1.6),
    "health": (0.06, 1.0),
    "charity": (0.03, 0.6),
    "digital_goods": (0.08, 0.25),
    "gift_cards": (0.03, 1.4),
    "electronics": (0.05, 3.5),
    "jewellery": (0.02, 4.0),
    "travel": (0.04, 5.0),
}
_RESOLD: Final = ("gift_cards", "electronics", "jewellery", "travel")
_LOW_FRICTION: Final = ("charity", "digital_goods", "gift_cards")

_FAVOURITES: Final = 4
_PAYEES: Final = 3


class Payments(DomainModel):
    """Accounts with cards, favourite merchants, payees, an employer and a branch."""

    households: ClassVar[float] = 0.12
    columns: ClassVar[tuple[Column, ...]] = (
        category("event_type", "login", "credential_change", "payment", "transfer", "deposit", "dispute"),
        identifier("counterparty_id", "c"),
        identifier("device_id", "d"),
        Column("ip", ColumnKind.IP),
        category("country", *COUNTRIES),
        number("amount"),
        category("currency", "EUR"),
        category("channel", "app", "web", "pos", "branch", "kiosk"),
        category("merchant_category", *_GOODS),
        identifier("card_id", "k"),
        boolean("card_present"),
        category("status", "approved", "declined"),
        number("account_age_days"),
        boolean("promo_code"),
        boolean("payee_saved"),
    )
    segments: ClassVar[tuple[Segment, ...]] = (
        Segment("consumer", 0.73, level=32.0, level_sigma=0.45, spread=0.75),
        Segment("affluent", 0.10, level=140.0, level_sigma=0.5, spread=0.85),
        Segment("micro", 0.07, level=7.0, level_sigma=0.4, spread=0.6, activity=1.3),
        Segment("business", 0.10, level=6800.0, level_sigma=0.4, spread=0.4, activity=1.2),
    )

    def prepare(self, rng: np.random.Generator, size: int) -> None:
        """Merchants with a category and a popularity; branches."""
        merchants = max(80, size // 4)
        shares = np.array([share for share, _ in _GOODS.values()])
        self._merchant_id = mint(rng, merchants)
        self._merchant_goods = rng.choice(len(_GOODS), merchants, p=shares / shares.sum()).astype(np.int16)
        popularity = 1.0 / (np.arange(merchants) + 3.0) ** 0.8
        self._merchant_odds = rng.permutation(popularity / popularity.sum())
        self._price = np.array([price for _, price in _GOODS.values()])
        self._branch_id = mint(rng, max(12, size // 60))

    def habits(self, rng: np.random.Generator, actors: Actors) -> dict[str, Array]:
        """Favourite merchants (positions), payees, employer, branches and cards of each actor."""
        size = len(actors)
        return {
            "merchants": rng.choice(len(self._merchant_id), (size, _FAVOURITES), p=self._merchant_odds),
            "payees": mint(rng, size, _PAYEES),
            "employer": mint(rng, size, 1),
            "branches": self._branch_id[rng.integers(0, len(self._branch_id), (size, 2))],
            "cards": mint(rng, size, 2),
        }

    # -- single events ------------------------------------------------------------------------------------------

    def _merchant(self, script: Script, known: float = 0.8) -> Array:
        """Position of a merchant: with probability ``known`` one of the actor's favourites."""
        favourite = script.actors.own["merchants"][
            np.arange(script.size), script.rng.choice(_FAVOURITES, script.size, p=(0.45, 0.25, 0.18, 0.12))
        ]
        other = script.rng.choice(len(self._merchant_id), script.size, p=self._merchant_odds)
        return np.where(script.chance(known), favourite, other)

    def _merchant_of(self, script: Script, goods: tuple[str, ...]) -> Array:
        """Position of any merchant that sells one of ``goods``."""
        words = list(_GOODS)
        fits = np.flatnonzero(np.isin(self._merchant_goods, [words.index(g) for g in goods]))
        return script.rng.choice(fits if len(fits) else np.arange(len(self._merchant_id)), script.size)

    def _amount_at(self, script: Script, merchant: Array, factor: float | Array = 1.0) -> Array:
        usual = np.where(script.actors.level > 1500, script.actors.level * 0.04, script.actors.level)
        return script.lognormal(usual * self._price[self._merchant_goods[merchant]] * factor, script.actors.spread)

    def _own_device(self, script: Script) -> Array:
        return np.where(script.chance(0.1), script.actors.spare_device, script.actors.device)

    def _payee(self, script: Script, known: float) -> Array:
        payees = script.actors.own["payees"]
        habitual = payees[np.arange(script.size), script.rng.choice(_PAYEES, script.size, p=(0.5, 0.3, 0.2))]
        return np.where(script.chance(known), habitual, mint(script.rng, script.size))

    def _pay(self, script: Script, merchant: Array, amount: Array, present: Array, **more: Any) -> None:
        """One payment; at the till there is neither device nor address."""
        when = more.pop("when", None)
        gap = more.pop("gap", 6.0)
        actors = more.pop("actors", None)
        who = actors or script.actors
        at_till = present.astype(bool)
        values: dict[str, Any] = {
            "counterparty_id": self._merchant_id[merchant],
            "merchant_category": self._merchant_goods[merchant],
            "amount": np.maximum(amount, 0.5),
            "currency": "EUR",
            "channel": np.where(
                at_till, script.pick("channel", ["pos"]), script.pick("channel", ["app", "web"], [0.5, 0.5])
            ),
            "card_id": who.own["cards"][np.arange(script.size), (script.rng.random(script.size) < 0.15).astype(int)],
            "card_present": at_till.astype(np.int8),
            "status": script.word("status", script.chance(0.05), "declined", "approved"),
            "promo_code": script.chance(0.1).astype(np.int8),
            "device_id": np.where(at_till, 0, who.device).astype(np.uint64),
            "ip": np.where(at_till, 0, who.ip).astype(np.uint32),
        }
        script.event("payment", gap=gap, when=when, actors=actors, **{**values, **more})

    def _transfer(self, script: Script, payee: Array, amount: Array, gap: float = 6.0, **more: Any) -> None:
        """One transfer; who is paid regularly is in the account's address book, a stranger now and then."""
        saves: float | Array = more.pop("saves_strangers", 0.1)
        who: Actors = more.get("actors") or script.actors
        habitual = (payee[:, None] == who.own["payees"]).any(axis=1)
        values: dict[str, Any] = {
            "channel": script.pick("channel", ["app", "web"], [0.6, 0.4]),
            "status": "approved",
            "payee_saved": script.chance(np.where(habitual, 0.96, saves)).astype(np.int8),
        }
        script.event("transfer", gap=gap, counterparty_id=payee, amount=amount, currency="EUR", **{**values, **more})

    def _deposit(self, script: Script, source: Array, amount: Array, gap: float = 6.0, **more: Any) -> None:
        """Money in: cash over a branch's counter, without device or address, unless ``more`` says otherwise."""
        values: dict[str, Any] = {"channel": "branch", "status": "approved", "device_id": 0, "ip": 0}
        script.event("deposit", gap=gap, counterparty_id=source, amount=amount, currency="EUR", **{**values, **more})

    def _branch(self, script: Script, column: int = 0) -> Array:
        return np.asarray(script.actors.own["branches"][:, column])

    def _any_branch(self, script: Script) -> Array:
        return np.asarray(self._branch_id[script.rng.integers(0, len(self._branch_id), script.size)])

    def _banking_level(self, script: Script) -> Array:
        """Usual amount of a transfer: a bill or a rent for people, an invoice for a business."""
        level = script.actors.level
        return np.where(level > 1500, level * 0.7, level * 6.0)

    # -- ordinary sessions --------------------------------------------------------------------------------------

    def sessions(self) -> tuple[Session, ...]:
        """Ordinary activity of the four segments."""
        return (
            Session(self._shop, {"consumer": 46, "affluent": 44, "micro": 20, "business": 14}),
            Session(self._shop_online, {"consumer": 19, "affluent": 20, "micro": 12, "business": 10}),
            Session(self._micro_payments, {"consumer": 2, "micro": 44}),
            Session(self._banking, {"consumer": 14, "affluent": 16, "micro": 8, "business": 12}),
            Session(self._payday, {"consumer": 5, "affluent": 6, "micro": 4}),
            Session(self._cash_in, {"consumer": 2.5, "affluent": 3, "micro": 1}),
            Session(self._takings, {"business": 46}),
            Session(self._invoices, {"business": 22}),
            Session(self._security, {"consumer": 1.3, "affluent": 1.3, "micro": 1.3, "business": 1.0}),
            Session(self._complain, {"consumer": 1.8, "affluent": 1.8, "micro": 1.8, "business": 0.8}),
        )

    def _shop(self, script: Script) -> None:
        rounds = script.count(1, 3)
        for turn in range(3):
            merchant = self._merchant(script)
            self._pay(
                script, merchant, self._amount_at(script, merchant), script.chance(0.85), when=rounds > turn, gap=9.0
            )

    def _shop_online(self, script: Script) -> None:
        device = self._own_device(script)
        script.event("login", channel=script.pick("channel", ["app", "web"]), device_id=device, when=script.chance(0.6))
        rounds = script.count(1, 3)
        for turn in range(3):
            merchant = self._merchant(script, 0.7)
            self._pay(
                script,
                merchant,
                self._amount_at(script, merchant),
                np.zeros(script.size),
                when=rounds > turn,
                gap=9.0,
                device_id=device,
            )

    def _micro_payments(self, script: Script) -> None:
        merchant = self._merchant_of(script, ("digital_goods", "transport"))
        rounds = script.count(2, 5)
        for turn in range(5):
            self._pay(script, merchant, script.lognormal(3.0, 0.7), np.zeros(script.size), when=rounds > turn, gap=7.0)

    def _banking(self, script: Script) -> None:
        device = self._own_device(script)
        script.event("login", channel=script.pick("channel", ["app", "web"]), device_id=device)
        rounds = script.count(0, 2)
        for turn in range(2):
            amount = script.lognormal(self._banking_level(script), 0.7)
            self._transfer(script, self._payee(script, 0.85), amount, when=rounds > turn, device_id=device)

    def _payday(self, script: Script) -> None:
        wage = script.lognormal(script.actors.level * 55, 0.35)
        self._deposit(script, script.actors.own["employer"][:, 0], wage, channel="web")
        bill = script.lognormal(self._banking_level(script), 0.7)
        self._transfer(script, self._payee(script, 0.9), bill, when=script.chance(0.5))

    def _cash_in(self, script: Script) -> None:
        self._deposit(script, self._branch(script), script.lognormal(script.actors.level * 12, 0.9))

    def _takings(self, script: Script) -> None:
        rounds = script.count(1, 3)
        for turn in range(3):
            branch = np.where(script.chance(0.15), self._branch(script, 1), self._branch(script))
            amount = script.lognormal(script.actors.level, script.actors.spread)
            self._deposit(script, branch, amount, when=rounds > turn, gap=9.0)

    def _invoices(self, script: Script) -> None:
        script.event("login", channel="web")
        rounds = script.count(1, 3)
        for turn in range(3):
            amount = script.lognormal(self._banking_level(script), 0.6)
            self._transfer(script, self._payee(script, 0.8), amount, when=rounds > turn, gap=8.0)

    def _security(self, script: Script) -> None:
        device = np.where(script.chance(0.2), script.actors.spare_device, script.actors.device)
        script.event("login", channel=script.pick("channel", ["app", "web"]), device_id=device)
        script.event("credential_change", channel=script.pick("channel", ["app", "web"]), device_id=device)
        merchant = self._merchant(script)
        amount = self._amount_at(script, merchant)
        self._pay(script, merchant, amount, np.zeros(script.size), when=script.chance(0.3), device_id=device)

    def _complain(self, script: Script) -> None:
        script.event("login", channel=script.pick("channel", ["app", "web"]))
        for when in (np.ones(script.size, dtype=bool), script.chance(0.08)):
            merchant = self._merchant(script, 0.6)
            self._dispute(script, merchant, self._amount_at(script, merchant, 1.3), when)

    def _dispute(self, script: Script, merchant: Array, amount: Array, when: Array) -> None:
        script.event(
            "dispute",
            when=when,
            counterparty_id=self._merchant_id[merchant],
            merchant_category=self._merchant_goods[merchant],
            amount=amount,
            currency="EUR",
            channel=script.pick("channel", ["app", "web"]),
        )

    # -- campaigns ----------------------------------------------------------------------------------------------

    def scenarios(self) -> tuple[Scenario, ...]:
        """Six frauds and their look-alikes."""
        people = ("consumer", "affluent", "micro")
        return (
            Scenario("card_testing", True, "card_testing", self._card_testing, fresh=0.5, segments=people),
            Scenario("account_takeover", True, "account_takeover", self._account_takeover, segments=people),
            Scenario("chargeback_fraud", True, "chargeback_fraud", self._chargeback, fresh=0.35, segments=people),
            Scenario("money_laundering", True, "money_laundering", self._money_laundering, fresh=0.5),
            Scenario("structuring", True, "structuring", self._structuring, weight=0.9, fresh=0.35, segments=people),
            Scenario("structuring_shop", True, "structuring", self._structuring, weight=0.1, segments=("business",)),
            Scenario("promo_abuse", True, "promo_abuse", self._promo_abuse, fresh=0.7, segments=people),
            Scenario("declined_retry", False, "card_testing", self._declined_retry, segments=people),
            Scenario("travel_desk", False, "card_testing", self._travel_desk, weight=0.7, fresh=0.2),
            Scenario("small_change", False, "card_testing", self._small_change, weight=0.7, fresh=0.3),
            Scenario("new_phone", False, "account_takeover", self._new_phone, weight=1.2),
            Scenario("traveller", False, "account_takeover", self._traveller, segments=people),
            Scenario("house_purchase", False, "account_takeover", self._house_purchase, weight=0.7),
            Scenario("festive_shopper", False, "chargeback_fraud", self._festive_shopper, fresh=0.2, segments=people),
            Scenario("unhappy_customer", False, "chargeback_fraud", self._unhappy_customer, segments=people),
            Scenario("bulk_payer", False, "money_laundering", self._bulk_payer, segments=("business",)),
            Scenario("payday_bills", False, "money_laundering", self._payday_bills, fresh=0.15, segments=people),
            Scenario("night_safe", False, "structuring", self._night_safe, segments=("business",)),
            Scenario("private_sale", False, "structuring", self._private_sale, weight=0.7, fresh=0.2, segments=people),
            Scenario("family_device", False, "promo_abuse", self._family_device, fresh=0.3, segments=people),
            Scenario("store_kiosk", False, "promo_abuse", self._store_kiosk, weight=0.5, segments=people),
        )

    def _card_testing(self, script: Script) -> None:
        rng, size = script.rng, script.size
        first, second = self._merchant_of(script, _LOW_FRICTION), self._merchant_of(script, _LOW_FRICTION)
        takes_over = (script.actors.index >= 0) & script.chance(0.7)
        device = np.where(takes_over, mint(rng, size), script.actors.device)
        largest = np.where(script.chance(0.25), 22.0, 6.0)
        card = mint(rng, size)
        rounds = script.count(4, 7)
        for turn in range(7):
            card = np.where(script.chance(0.85), mint(rng, size), card)
            self._pay(
                script,
                np.where(script.chance(0.3), second, first),
                script.uniform(0.5, largest),
                np.zeros(size),
                when=rounds > turn,
                gap=5.0,
                card_id=card,
                device_id=device,
                status=script.word("status", script.chance(0.5), "declined", "approved"),
            )

    def _account_takeover(self, script: Script) -> None:
        rng, size = script.rng, script.size
        device = mint(rng, size)
        abroad = script.chance(0.45)
        place: dict[str, Any] = {
            "device_id": device,
            "ip": rng.integers(0x0B000000, 0xDF000000, size, dtype=np.uint32),
            "country": np.where(abroad, foreign_country(rng, script.actors.country), script.actors.country),
        }
        channel = script.pick("channel", ["app", "web"], [0.4, 0.6])
        script.event("login", channel=channel, **place)
        script.event("credential_change", channel=channel, **place)
        script.event("login", channel=channel, when=script.chance(0.25), **place)
        rounds = script.count(2, 3)
        greed = np.where(script.chance(0.06), script.uniform(0.8, 2.0), script.uniform(4.0, 14.0))
        payee = mint(rng, size)
        for turn in range(3):
            payee = np.where(script.chance(0.6), mint(rng, size), payee)
            amount = script.lognormal(self._banking_level(script) * greed, 0.35)
            self._transfer(script, payee, amount, when=rounds > turn, channel=channel, **place)

    def _chargeback(self, script: Script) -> None:
        size = script.size
        script.event("login", channel=script.pick("channel", ["app", "web"]), when=script.chance(0.4))
        bought = script.count(3, 4)
        merchants = [self._merchant_of(script, _RESOLD) for _ in range(4)]
        amounts = [script.lognormal(script.actors.level * 9.0, 0.5) + 60.0 for _ in range(4)]
        for turn in range(4):
            self._pay(script, merchants[turn], amounts[turn], np.zeros(size), when=bought > turn)
        disputed = script.count(2, 3)
        for turn in range(3):
            self._dispute(script, merchants[turn], amounts[turn], disputed > turn)

    def _money_laundering(self, script: Script) -> None:
        rng, size = script.rng, script.size
        total = script.lognormal(5200.0, 0.5)
        for mule in range(2):
            taking_part = np.ones(size, dtype=bool) if mule == 0 else script.chance(0.25)
            actors = script.actors if mule == 0 else script.cast.mixed(size, 0.5)
            amount = total * script.uniform(0.4, 0.7) if mule else total
            self._deposit(
                script, mint(rng, size), amount, when=taking_part, actors=actors,
                channel="web", device_id=actors.device, ip=actors.ip,
            )  # fmt: skip
            rounds = script.count(3, 4)
            for turn in range(4):
                part = amount * script.uniform(0.85, 0.98) / rounds * script.uniform(0.8, 1.2)
                self._transfer(script, mint(rng, size), part, when=taking_part & (rounds > turn), actors=actors)

    def _structuring(self, script: Script) -> None:
        rounds = script.count(3, 5)
        own = self._branch(script)
        for turn in range(5):
            branch = np.where(script.chance(0.2), own, self._any_branch(script))
            amount = np.where(script.chance(0.25), script.uniform(5000, 8000), script.uniform(8000, 9950))
            self._deposit(script, branch, np.round(amount / 50) * 50, when=rounds > turn)
        amount = script.uniform(15000, 30000)
        self._transfer(script, mint(script.rng, script.size), amount, when=script.chance(0.25))

    def _promo_abuse(self, script: Script) -> None:
        size = script.size
        device, ip = script.actors.device, script.actors.ip
        merchant = self._merchant(script, 0.0)
        members = script.count(4, 6)
        for member in range(6):
            actors = script.actors if member == 0 else script.cast.mixed(size, 0.7, ("consumer", "micro"))
            place: dict[str, Any] = {"device_id": device, "ip": ip, "country": script.actors.country}
            script.event("login", channel="app", actors=actors, when=(members > member) & script.chance(0.2), **place)
            self._pay(
                script, merchant, script.lognormal(22.0, 0.4), np.zeros(size), when=members > member, actors=actors,
                status="approved", promo_code=(script.chance(0.93)).astype(np.int8), **place,
            )  # fmt: skip

    def _declined_retry(self, script: Script) -> None:
        merchant = self._merchant(script, 0.5)
        amount = np.where(script.chance(0.4), script.lognormal(4.0, 0.6), self._amount_at(script, merchant))
        rounds = script.count(3, 6)
        for turn in range(6):
            done = rounds == turn + 1
            self._pay(
                script, merchant, amount, np.zeros(script.size), when=rounds > turn, gap=5.0,
                status=script.word("status", done, "approved", "declined"),
            )  # fmt: skip

    def _travel_desk(self, script: Script) -> None:
        rounds = script.count(4, 7)
        for turn in range(7):
            merchant = self._merchant_of(script, ("travel", "restaurants", "transport"))
            amount = script.lognormal(np.where(script.chance(0.3), 12.0, 130.0), 0.7)
            self._pay(
                script, merchant, amount, np.zeros(script.size), when=rounds > turn, gap=5.0,
                card_id=mint(script.rng, script.size),
                status=script.word("status", script.chance(0.08), "declined", "approved"),
            )  # fmt: skip

    def _small_change(self, script: Script) -> None:
        merchant = self._merchant_of(script, _LOW_FRICTION)
        rounds = script.count(4, 7)
        for turn in range(7):
            self._pay(script, merchant, script.uniform(0.5, 7.0), np.zeros(script.size), when=rounds > turn, gap=5.0)

    def _new_phone(self, script: Script) -> None:
        """The start of a takeover or its end, never both: whoever renews the credentials pays nobody by transfer."""
        rng, size = script.rng, script.size
        device = mint(rng, size)
        channel = script.pick("channel", ["app", "web"], [0.8, 0.2])
        renews = script.chance(0.6)
        script.event("login", channel=channel, device_id=device)
        script.event("credential_change", channel=channel, device_id=device, when=renews)
        script.event("login", channel=channel, device_id=device, when=script.chance(0.4))
        for turn in range(2):
            merchant = self._merchant(script, 0.7)
            amount = self._amount_at(script, merchant, 1.5)
            self._pay(script, merchant, amount, np.zeros(size), when=renews, device_id=device)
            amount = script.lognormal(self._banking_level(script) * 1.5, 0.6)
            when = ~renews & (script.chance(0.6) if turn else True)
            self._transfer(script, self._payee(script, 0.8), amount, when=when, device_id=device, channel=channel)

    def _traveller(self, script: Script) -> None:
        abroad = foreign_country(script.rng, script.actors.country)
        script.event("login", channel="app", country=abroad, when=script.chance(0.6))
        rounds = script.count(3, 5)
        for turn in range(5):
            merchant = self._merchant(script, 0.1)
            self._pay(
                script, merchant, self._amount_at(script, merchant, 1.8), script.chance(0.7), when=rounds > turn,
                country=abroad, status=script.word("status", script.chance(0.12), "declined", "approved"),
            )  # fmt: skip

    def _house_purchase(self, script: Script) -> None:
        script.event("login", channel="web")
        script.event("credential_change", channel="web", when=script.chance(0.1))
        payee = mint(script.rng, script.size)
        for when in (np.ones(script.size, dtype=bool), np.ones(script.size, dtype=bool), script.chance(0.4)):
            amount = script.lognormal(self._banking_level(script) * script.uniform(2.0, 8.0), 0.3)
            self._transfer(script, payee, amount, when=when, channel="web", saves_strangers=0.35)

    def _festive_shopper(self, script: Script) -> None:
        script.event("login", channel=script.pick("channel", ["app", "web"]), when=script.chance(0.5))
        rounds = script.count(3, 5)
        for turn in range(5):
            merchant = self._merchant_of(script, (*_RESOLD, "clothing"))
            amount = script.lognormal(script.actors.level * 5.5, 0.6)
            self._pay(script, merchant, amount, np.zeros(script.size), when=rounds > turn)

    def _unhappy_customer(self, script: Script) -> None:
        script.event("login", channel=script.pick("channel", ["app", "web"]))
        merchant = self._merchant_of(script, (*_RESOLD, "clothing", "household"))
        amount = self._amount_at(script, merchant, script.uniform(0.8, 2.0))
        self._pay(script, merchant, amount, np.zeros(script.size), when=script.chance(0.5))
        self._dispute(script, merchant, amount, np.ones(script.size, dtype=bool))
        self._dispute(script, merchant, amount, script.chance(0.45))
        other = self._merchant(script)
        self._pay(script, other, self._amount_at(script, other), script.chance(0.6))

    def _bulk_payer(self, script: Script) -> None:
        funding = script.lognormal(script.actors.level * 2.0, 0.4)
        self._deposit(script, self._branch(script), funding, when=script.chance(0.7))
        script.event("login", channel="web")
        rounds = script.count(4, 7)
        for turn in range(7):
            amount = script.lognormal(script.actors.level * 0.45, 0.3)
            payee = self._payee(script, 0.35)
            self._transfer(script, payee, amount, when=rounds > turn, channel="web", saves_strangers=0.75)

    def _payday_bills(self, script: Script) -> None:
        wage = script.lognormal(script.actors.level * 60, 0.35)
        self._deposit(script, script.actors.own["employer"][:, 0], wage, channel="web")
        rounds = script.count(2, 4)
        for turn in range(4):
            amount = script.lognormal(self._banking_level(script) * 1.3, 0.6)
            self._transfer(script, self._payee(script, 0.7), amount, when=rounds > turn)

    def _night_safe(self, script: Script) -> None:
        rounds = script.count(3, 6)
        for turn in range(6):
            branch = np.where(script.chance(0.25), self._branch(script, 1), self._branch(script))
            self._deposit(script, branch, script.lognormal(script.actors.level * 1.4, 0.35), when=rounds > turn)

    def _private_sale(self, script: Script) -> None:
        amount = script.uniform(4000, 14000)
        self._deposit(script, self._branch(script), amount)
        again = script.chance(0.5)
        self._deposit(script, self._branch(script), script.uniform(1000, 9500), when=again)
        script.event("login", channel="app")
        bill = script.lognormal(self._banking_level(script) * 2.0, 0.6)
        self._transfer(script, self._payee(script, 0.7), bill)

    def _family_device(self, script: Script) -> None:
        device, ip = script.actors.device, script.actors.ip
        members = script.count(2, 4)
        merchant = self._merchant(script, 0.9)
        for turn in range(4):
            actors = script.actors if turn == 0 else script.cast.mixed(script.size, 0.3, ("consumer", "micro"))
            other = self._merchant(script)
            where = np.where(script.chance(0.5), merchant, other)
            place: dict[str, Any] = {"device_id": device, "ip": ip, "country": script.actors.country}
            script.event("login", channel="app", actors=actors, when=(members > turn) & script.chance(0.35), **place)
            self._pay(
                script, where, self._amount_at(script, where), np.zeros(script.size), when=members > turn,
                actors=actors, promo_code=script.chance(0.3).astype(np.int8), **place,
            )  # fmt: skip

    def _store_kiosk(self, script: Script) -> None:
        size = script.size
        kiosk, address = mint(script.rng, size), script.actors.ip
        merchant = self._merchant(script, 0.0)
        members = script.count(5, 8)
        for turn in range(8):
            actors = script.actors if turn == 0 else script.cast.established(size, ("consumer", "affluent"))
            self._pay(
                script, merchant, self._amount_at(script, merchant), np.ones(size), when=members > turn,
                actors=actors, channel="kiosk", device_id=kiosk, ip=address, country=script.actors.country,
                promo_code=script.chance(0.2).astype(np.int8),
            )  # fmt: skip


MODEL = Payments
