"""Gaming: matches, looting and trading of players; four frauds and what resembles them.

``Actors.level`` is the usual value of a traded item in currency units, ``Actors.skill`` how well the player aims.
"""

from typing import Any, ClassVar

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

_FRIENDS = 4


class Gaming(DomainModel):
    """Players with friends, a guild bank, an aim of their own and goods to trade."""

    households: ClassVar[float] = 0.10
    columns: ClassVar[tuple[Column, ...]] = (
        category("event_type", "login", "credential_change", "match", "loot", "trade", "purchase"),
        identifier("counterparty_id", "c"),
        identifier("device_id", "d"),
        Column("ip", ColumnKind.IP),
        category("country", *COUNTRIES),
        number("amount"),
        category("currency", "EUR"),
        category("channel", "pc", "mobile", "console"),
        category("game_mode", "casual", "ranked", "wager"),
        category("result", "win", "loss", "draw"),
        number("accuracy", 1),
        number("reaction_ms", 0),
        category("item_kind", "gold", "skin", "weapon", "material"),
        category("trade_side", "give", "receive"),
        boolean("friend"),
        number("session_minutes", 0),
        number("account_age_days"),
    )
    segments: ClassVar[tuple[Segment, ...]] = (
        Segment("casual", 0.55, level=6.0, level_sigma=0.5, spread=0.7),
        Segment("ranked", 0.20, level=9.0, level_sigma=0.5, spread=0.7, activity=1.1),
        Segment("pro", 0.08, level=14.0, level_sigma=0.6, spread=0.7, activity=1.2),
        Segment("trader", 0.09, level=22.0, level_sigma=0.6, spread=0.8, activity=1.2),
        Segment("grinder", 0.08, level=7.0, level_sigma=0.5, spread=0.6, activity=1.3),
    )

    def prepare(self, rng: np.random.Generator, size: int) -> None:
        """Guild banks."""
        self._guild_id = mint(rng, max(8, size // 40))

    def habits(self, rng: np.random.Generator, actors: Actors) -> dict[str, Array]:
        """Friends, guild bank, platform, usual accuracy (percent) and reaction (milliseconds)."""
        size = len(actors)
        pro = actors.segment == [segment.name for segment in self.segments].index("pro")
        actors.skill = np.where(pro, rng.uniform(0.75, 1.0, size), actors.skill * 0.75)
        return {
            "friends": mint(rng, size, _FRIENDS),
            "guild": self._guild_id[rng.integers(0, len(self._guild_id), (size, 1))],
            "accuracy": 18 + 58 * actors.skill + rng.normal(0, 3, size),
            "reaction": 330 - 165 * actors.skill + rng.normal(0, 12, size),
            "platform": rng.choice(3, size, p=(0.55, 0.25, 0.2)).astype(np.int16),
            "stamina": 55 * np.exp(rng.normal(0, 0.5, size)) * np.where(actors.activity > 1.2, 2.5, 1.0),
        }

    # -- single events ------------------------------------------------------------------------------------------

    def _friend(self, script: Script, known: float) -> Array:
        friends = script.actors.own["friends"]
        habitual = friends[np.arange(script.size), script.rng.choice(_FRIENDS, script.size, p=(0.4, 0.3, 0.2, 0.1))]
        return np.where(script.chance(known), habitual, mint(script.rng, script.size))

    def _own_device(self, script: Script) -> Array:
        return np.where(script.chance(0.1), script.actors.spare_device, script.actors.device)

    def _befriended(self, script: Script, other: Array, who: Actors) -> Array:
        """Whether the other player is on the friend list: nearly all habitual ones are, and a few strangers."""
        habitual = (other[:, None] == np.column_stack((who.own["friends"], who.own["guild"]))).any(axis=1)
        return script.chance(np.where(habitual, 0.96, 0.1)).astype(np.int8)

    def _played(self, script: Script, who: Actors | None = None) -> Array:
        """Minutes since the player came."""
        usual = script.lognormal((who or script.actors).own["stamina"], 0.6)
        return np.where(script.chance(0.15), script.uniform(0, 15), usual)

    def _login(self, script: Script, **more: Any) -> None:
        script.event("login", **{"channel": script.actors.own["platform"], **more})

    def _match(self, script: Script, opponent: Array, gap: float = 9.0, **more: Any) -> None:
        """One match in the player's own style, which has good and bad days."""
        who: Actors = more.get("actors") or script.actors
        values: dict[str, Any] = {
            "game_mode": script.pick("game_mode", ["casual", "ranked"], [0.6, 0.4]),
            "result": script.pick("result", ["win", "loss", "draw"], [0.47, 0.47, 0.06]),
            "accuracy": (who.own["accuracy"] + script.rng.normal(0, 7, script.size)).clip(1, 99),
            "reaction_ms": (who.own["reaction"] + script.rng.normal(0, 28, script.size)).clip(90, None),
            "friend": self._befriended(script, opponent, who),
            "session_minutes": self._played(script, who),
            "channel": who.own["platform"],
        }
        script.event("match", gap=gap, counterparty_id=opponent, **{**values, **more})

    def _stake(self, script: Script, factor: float | Array = 1.0) -> Array:
        return script.lognormal(script.actors.level * 0.6 * factor, 0.6)

    def _wager(self, script: Script, opponent: Array, stake: Array, gap: float = 9.0, **more: Any) -> None:
        self._match(script, opponent, gap, game_mode="wager", amount=stake, currency="EUR", **more)

    def _loot(self, script: Script, gap: float = 5.0, **more: Any) -> None:
        who: Actors = more.get("actors") or script.actors
        values: dict[str, Any] = {
            "item_kind": script.pick("item_kind", ["gold", "material", "weapon", "skin"], [0.5, 0.35, 0.1, 0.05]),
            "amount": script.lognormal(0.8, 0.7),
            "session_minutes": self._played(script, who),
            "channel": who.own["platform"],
        }
        script.event("loot", gap=gap, currency="EUR", **{**values, **more})

    def _trade(self, script: Script, other: Array, amount: Array, gap: float = 6.0, **more: Any) -> None:
        who: Actors = more.get("actors") or script.actors
        values: dict[str, Any] = {
            "trade_side": "give",
            "item_kind": script.pick("item_kind", ["gold", "skin", "weapon", "material"], [0.35, 0.25, 0.2, 0.2]),
            "friend": self._befriended(script, other, who),
            "channel": who.own["platform"],
            "session_minutes": self._played(script, who),
        }
        script.event("trade", gap=gap, counterparty_id=other, amount=amount, currency="EUR", **{**values, **more})

    def _value(self, script: Script, factor: float | Array = 1.0) -> Array:
        return script.lognormal(script.actors.level * factor, script.actors.spread)

    # -- ordinary sessions --------------------------------------------------------------------------------------

    def sessions(self) -> tuple[Session, ...]:
        """Ordinary activity of the five segments."""
        return (
            Session(self._play, {"casual": 60, "ranked": 64, "pro": 66, "trader": 26, "grinder": 24}),
            Session(self._bet, {"casual": 6, "ranked": 10, "pro": 12, "trader": 5, "grinder": 3}),
            Session(self._farm, {"casual": 12, "ranked": 7, "pro": 4, "trader": 10, "grinder": 46}),
            Session(self._barter, {"casual": 9, "ranked": 9, "pro": 9, "trader": 46, "grinder": 12}),
            Session(self._sell_loot, {"casual": 2, "ranked": 1, "trader": 3, "grinder": 9}),
            Session(self._shop, {"casual": 8, "ranked": 6, "pro": 6, "trader": 7, "grinder": 3}),
            Session(self._security, {"casual": 2.2, "ranked": 2.2, "pro": 2.2, "trader": 2.2, "grinder": 2.2}),
        )

    def _play(self, script: Script) -> None:
        device = self._own_device(script)
        self._login(script, when=script.chance(0.4), device_id=device)
        rounds = script.count(1, 3)
        for turn in range(3):
            self._match(script, self._friend(script, 0.45), when=rounds > turn, device_id=device)

    def _bet(self, script: Script) -> None:
        rounds = script.count(1, 3)
        opponent = self._friend(script, 0.6)
        for turn in range(3):
            opponent = np.where(script.chance(0.6), opponent, self._friend(script, 0.5))
            self._wager(script, opponent, self._stake(script), when=rounds > turn)

    def _farm(self, script: Script) -> None:
        rounds = script.count(2, 5)
        for turn in range(5):
            self._loot(script, when=rounds > turn)

    def _barter(self, script: Script) -> None:
        rounds = script.count(1, 3)
        for turn in range(3):
            side = script.pick("trade_side", ["give", "receive"], [0.55, 0.45])
            other = np.where(script.chance(0.3), script.actors.own["guild"][:, 0], self._friend(script, 0.75))
            self._trade(script, other, self._value(script), when=rounds > turn, trade_side=side)

    def _sell_loot(self, script: Script) -> None:
        for _ in range(2):
            self._loot(script)
        self._trade(script, self._friend(script, 0.8), self._value(script, 0.8), item_kind="gold")

    def _shop(self, script: Script) -> None:
        self._login(script, when=script.chance(0.3))
        rounds = script.count(1, 2)
        for turn in range(2):
            script.event(
                "purchase",
                when=rounds > turn,
                amount=self._value(script, 1.2),
                currency="EUR",
                item_kind=script.pick("item_kind", ["skin", "weapon", "gold"]),
                channel=script.actors.own["platform"],
            )

    def _security(self, script: Script) -> None:
        device = np.where(script.chance(0.2), script.actors.spare_device, script.actors.device)
        self._login(script, device_id=device)
        script.event("credential_change", channel=script.actors.own["platform"], device_id=device)
        self._match(script, self._friend(script, 0.5), when=script.chance(0.6), device_id=device)

    # -- campaigns ----------------------------------------------------------------------------------------------

    def scenarios(self) -> tuple[Scenario, ...]:
        """Four frauds and their look-alikes."""
        return (
            Scenario("account_takeover", True, "account_takeover", self._account_takeover),
            Scenario("gold_farming", True, "gold_farming", self._gold_farming, fresh=0.6, exclusive=True),
            Scenario("aimbot", True, "aimbot", self._aimbot, fresh=0.4, segments=("casual", "ranked"), exclusive=True),
            Scenario("collusion", True, "collusion", self._collusion, fresh=0.3, exclusive=True),
            Scenario("new_pc", False, "account_takeover", self._new_pc),
            Scenario("lan_party", False, "account_takeover", self._lan_party, weight=0.8),
            Scenario("generous_gift", False, "account_takeover", self._generous_gift, weight=0.8),
            Scenario("guild_bank", False, "gold_farming", self._guild_bank),
            Scenario("grinder", False, "gold_farming", self._grind, fresh=0.2, exclusive=True),
            Scenario(
                "lucky_streak", False, "aimbot", self._lucky_streak, segments=("casual", "ranked"), exclusive=True
            ),
            Scenario("smurf", False, "aimbot", self._smurf, weight=0.5, fresh=1.0, exclusive=True),
            Scenario("pro_practice", False, "aimbot", self._pro_practice, segments=("pro",), exclusive=True),
            Scenario("rivals", False, "collusion", self._rivals, exclusive=True),
            Scenario("tournament", False, "collusion", self._tournament, weight=0.8, exclusive=True),
            Scenario("losing_streak", False, "collusion", self._losing_streak, weight=0.8, exclusive=True),
        )

    def _account_takeover(self, script: Script) -> None:
        rng, size = script.rng, script.size
        abroad = script.chance(0.45)
        place: dict[str, Any] = {
            "device_id": mint(rng, size),
            "ip": rng.integers(0x0B000000, 0xDF000000, size, dtype=np.uint32),
            "country": np.where(abroad, foreign_country(rng, script.actors.country), script.actors.country),
            "channel": script.pick("channel", ["pc", "mobile"], [0.7, 0.3]),
        }
        script.event("login", **place)
        script.event("credential_change", **place)
        rounds = script.count(2, 4)
        greed = np.where(script.chance(0.1), script.uniform(0.8, 2.0), script.uniform(2.0, 7.0))
        receiver = mint(rng, size)
        for turn in range(4):
            receiver = np.where(script.chance(0.4), mint(rng, size), receiver)
            self._trade(
                script,
                receiver,
                self._value(script, greed),
                when=rounds > turn,
                item_kind=script.pick("item_kind", ["skin", "weapon", "gold"]),
                session_minutes=script.uniform(0, 25),
                **place,
            )

    def _gold_farming(self, script: Script) -> None:
        """Bots stay where they find about the same each time, and hand the gold to a bank."""
        size = script.size
        bank = mint(script.rng, size)
        for bot in range(2):
            taking_part = np.ones(size, dtype=bool) if bot == 0 else script.chance(0.2)
            actors = script.actors if bot == 0 else script.cast.mixed(size, 0.7)
            hours = np.where(script.chance(0.12), script.uniform(60, 300), script.uniform(300, 1300))
            rounds = script.count(3, 5)
            find = script.lognormal(0.9, 0.5)
            for turn in range(5):
                self._loot(
                    script,
                    gap=3.0,
                    when=taking_part & (rounds > turn),
                    actors=actors,
                    item_kind=script.pick("item_kind", ["gold", "material"], [0.8, 0.2]),
                    amount=script.lognormal(find, 0.08),
                    session_minutes=hours,
                )
            for when in (taking_part, taking_part & script.chance(0.5)):
                self._trade(
                    script,
                    bank,
                    script.lognormal(60.0, 0.45),
                    when=when,
                    actors=actors,
                    item_kind="gold",
                    session_minutes=hours,
                )

    def _aimbot(self, script: Script) -> None:
        rng, size = script.rng, script.size
        careful = script.chance(0.08)
        accuracy = np.where(careful, script.uniform(58, 70), script.uniform(70, 92))
        reaction = np.where(careful, script.uniform(140, 175), script.uniform(105, 150))
        rounds = script.count(4, 6)
        for turn in range(6):
            self._match(
                script,
                self._friend(script, 0.1),
                when=rounds > turn,
                gap=6.0,
                accuracy=(accuracy + rng.normal(0, 3, size)).clip(1, 99),
                reaction_ms=(reaction + rng.normal(0, 6, size)).clip(90, None),
                result=script.pick("result", ["win", "loss"], [0.85, 0.15]),
                game_mode=script.pick("game_mode", ["ranked", "casual"], [0.7, 0.3]),
            )

    def _collusion(self, script: Script) -> None:
        """One or two accounts lose stake after stake to another, all of one hand."""
        size = script.size
        winner = mint(script.rng, size)
        stake = self._stake(script, np.where(script.chance(0.1), 1.5, script.uniform(5.0, 12.0)))
        for loser in range(2):
            taking_part = np.ones(size, dtype=bool) if loser == 0 else script.chance(0.2)
            actors = script.actors if loser == 0 else script.cast.mixed(size, 0.3)
            rounds = script.count(4, 6)
            for turn in range(6):
                self._wager(
                    script,
                    winner,
                    script.lognormal(stake, 0.2),
                    when=taking_part & (rounds > turn),
                    gap=6.0,
                    actors=actors,
                    result=script.word("result", script.chance(0.94), "loss", "win"),
                )

    def _new_pc(self, script: Script) -> None:
        """The start of a takeover or its end, never both: whoever renews the credentials gives nothing away."""
        device = mint(script.rng, script.size)
        renews = script.chance(0.6)
        self._login(script, device_id=device)
        script.event("credential_change", channel=script.actors.own["platform"], device_id=device, when=renews)
        for turn in range(3):
            playing = renews & (script.chance(0.6) if turn else True)
            self._match(script, self._friend(script, 0.5), when=playing, device_id=device)
            trading = ~renews & (script.chance(0.5) if turn else True)
            self._trade(script, self._friend(script, 0.75), self._value(script, 1.3), when=trading, device_id=device)

    def _lan_party(self, script: Script) -> None:
        device = mint(script.rng, script.size)
        place: dict[str, Any] = {
            "device_id": device,
            "country": np.where(
                script.chance(0.5), foreign_country(script.rng, script.actors.country), script.actors.country
            ),
        }
        self._login(script, **place)
        rounds = script.count(3, 5)
        for turn in range(5):
            self._match(script, self._friend(script, 0.5), when=rounds > turn, **place)

    def _generous_gift(self, script: Script) -> None:
        self._login(script, when=script.chance(0.5))
        friend = self._friend(script, 0.7)
        for when in (np.ones(script.size, dtype=bool), np.ones(script.size, dtype=bool), script.chance(0.5)):
            self._trade(script, friend, self._value(script, script.uniform(2.0, 6.0)), when=when)

    def _guild_bank(self, script: Script) -> None:
        size = script.size
        bank = script.actors.own["guild"][:, 0]
        members = script.count(3, 6)
        for member in range(6):
            actors = script.actors if member == 0 else script.cast.established(size)
            when = members > member
            self._loot(script, when=when & script.chance(0.5), actors=actors)
            amount = script.lognormal(14.0, 0.8)
            self._trade(script, bank, amount, when=when, actors=actors, item_kind="gold")

    def _grind(self, script: Script) -> None:
        hours = script.uniform(200, 800)
        rounds = script.count(4, 6)
        for turn in range(6):
            self._loot(script, when=rounds > turn, gap=3.5, session_minutes=hours)
        sells = script.chance(0.35)
        self._trade(
            script, self._friend(script, 0.9), self._value(script), when=sells, item_kind="gold", session_minutes=hours
        )

    def _lucky_streak(self, script: Script) -> None:
        rng, size = script.rng, script.size
        better = script.uniform(1.2, 1.6)
        rounds = script.count(3, 5)
        for turn in range(5):
            self._match(
                script,
                self._friend(script, 0.4),
                when=rounds > turn,
                accuracy=(script.actors.own["accuracy"] * better + rng.normal(0, 8, size)).clip(1, 97),
                reaction_ms=(script.actors.own["reaction"] / np.sqrt(better) + rng.normal(0, 26, size)).clip(90, None),
                result=script.pick("result", ["win", "loss"], [0.8, 0.2]),
            )

    def _smurf(self, script: Script) -> None:
        rng, size = script.rng, script.size
        rounds = script.count(3, 5)
        skill = script.uniform(0.75, 1.0)
        for turn in range(5):
            self._match(
                script,
                self._friend(script, 0.1),
                when=rounds > turn,
                accuracy=(18 + 58 * skill + rng.normal(0, 8, size)).clip(1, 97),
                reaction_ms=(330 - 165 * skill + rng.normal(0, 28, size)).clip(90, None),
                result=script.pick("result", ["win", "loss"], [0.8, 0.2]),
            )

    def _pro_practice(self, script: Script) -> None:
        rounds = script.count(4, 6)
        for turn in range(6):
            self._match(
                script,
                self._friend(script, 0.6),
                when=rounds > turn,
                gap=6.0,
                game_mode="ranked",
                result=script.pick("result", ["win", "loss"], [0.75, 0.25]),
            )

    def _rivals(self, script: Script) -> None:
        rival = self._friend(script, 0.8)
        rounds = script.count(3, 5)
        for turn in range(5):
            self._wager(script, rival, self._stake(script, 1.2), when=rounds > turn)

    def _tournament(self, script: Script) -> None:
        rounds = script.count(3, 5)
        stake = self._stake(script, script.uniform(2.0, 6.0))
        for turn in range(5):
            opponent = mint(script.rng, script.size)
            self._wager(script, opponent, stake, when=rounds > turn)

    def _losing_streak(self, script: Script) -> None:
        rounds = script.count(3, 5)
        for turn in range(5):
            lost = script.word("result", script.chance(0.9), "loss", "win")
            self._wager(script, self._friend(script, 0.4), self._stake(script, 1.5), when=rounds > turn, result=lost)


MODEL = Gaming
