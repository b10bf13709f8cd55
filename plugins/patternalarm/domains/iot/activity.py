"""IoT: readings and traffic of registered devices; three frauds and what resembles them.

An actor is a registered device identity, ``device_id`` the hardware that speaks for it, ``counterparty_id`` the endpoint
that it talks to. ``Actors.level`` is the usual reading in percent of the sensor's nominal value.
"""

from typing import Any, ClassVar

import numpy as np

from patternalarm.generator.activity.domain_model import DomainModel, Scenario, Session
from patternalarm.generator.activity.population import Actors, Segment, foreign_country
from patternalarm.generator.activity.script import Script
from patternalarm.generator.batch import COUNTRIES, Array, Column, ColumnKind, category, identifier, mint, number

_METRICS = ("temperature", "pressure", "power", "vibration")
_RELEASES = ("4.0.2", "4.1.0", "4.1.3", "4.2.0")


class Iot(DomainModel):
    """Sensors of sites, each with hardware, an own server, a usual reading and a usual payload."""

    columns: ClassVar[tuple[Column, ...]] = (
        category("event_type", "connect", "auth_failed", "reading", "config_change", "firmware_update", "transmit"),
        identifier("counterparty_id", "c"),
        identifier("device_id", "d"),
        Column("ip", ColumnKind.IP),
        category("country", *COUNTRIES),
        category("channel", "device", "remote", "technician"),
        category("metric", *_METRICS),
        number("value", 2),
        number("battery", 0),
        number("signal_dbm", 0),
        number("payload_bytes", 0),
        category("firmware", *_RELEASES),
        number("account_age_days"),
    )
    segments: ClassVar[tuple[Segment, ...]] = (
        Segment("temperature", 0.40, level=100.0, level_sigma=0.25, spread=0.05),
        Segment("pressure", 0.22, level=100.0, level_sigma=0.30, spread=0.08),
        Segment("power", 0.24, level=100.0, level_sigma=0.45, spread=0.14, activity=1.2),
        Segment("vibration", 0.14, level=100.0, level_sigma=0.35, spread=0.18),
    )

    def prepare(self, rng: np.random.Generator, size: int) -> None:
        """Servers of the sites, and the vendors' update servers."""
        self._server_id = mint(rng, max(10, size // 30))
        self._vendor_id = mint(rng, 4)

    def habits(self, rng: np.random.Generator, actors: Actors) -> dict[str, Array]:
        """Server, second server, vendor (position), signal (dBm), battery (percent), payload (bytes), release."""
        size = len(actors)
        return {
            "servers": self._server_id[rng.integers(0, len(self._server_id), (size, 2))],
            "vendor": rng.integers(0, len(self._vendor_id), size),
            "signal": rng.normal(-74, 9, size),
            "battery": rng.uniform(20, 100, size),
            "payload": 900 * np.exp(rng.normal(0, 0.8, size)),
            "release": rng.integers(0, len(_RELEASES) - 1, size).astype(np.int16),
        }

    # -- single events ------------------------------------------------------------------------------------------

    def _say(self, script: Script, event_type: str, gap: float, **more: Any) -> None:
        """Any event: signal, battery and release are always told."""
        who: Actors = more.get("actors") or script.actors
        values: dict[str, Any] = {
            "channel": "device",
            "signal_dbm": who.own["signal"] + script.rng.normal(0, 4, script.size),
            "battery": (who.own["battery"] + script.rng.normal(0, 1, script.size)).clip(1, 100),
            "firmware": who.own["release"],
        }
        script.event(event_type, gap=gap, **{**values, **more})

    def _usual(self, script: Script, who: Actors | None = None) -> Array:
        actors = who or script.actors
        return script.lognormal(actors.level, actors.spread)

    def _read(self, script: Script, value: Array, gap: float = 6.0, **more: Any) -> None:
        who: Actors = more.get("actors") or script.actors
        values: dict[str, Any] = {
            "metric": who.segment.astype(np.int16),
            "counterparty_id": self._server(script, who),
            "payload_bytes": script.lognormal(160.0, 0.2),
        }
        self._say(script, "reading", gap, value=value, **{**values, **more})

    def _server(self, script: Script, who: Actors | None = None) -> Array:
        servers = (who or script.actors).own["servers"]
        second = (script.rng.random(script.size) < 0.12).astype(int)
        return np.asarray(servers[np.arange(script.size), second])

    def _transmit(self, script: Script, endpoint: Array, size_bytes: Array, gap: float = 6.0, **more: Any) -> None:
        self._say(script, "transmit", gap, counterparty_id=endpoint, payload_bytes=size_bytes, **more)

    def _payload(self, script: Script, factor: float | Array = 1.0, who: Actors | None = None) -> Array:
        return script.lognormal((who or script.actors).own["payload"] * factor, 0.5)

    def _vendor(self, script: Script, who: Actors | None = None) -> Array:
        return np.asarray(self._vendor_id[(who or script.actors).own["vendor"]])

    # -- ordinary sessions --------------------------------------------------------------------------------------

    def sessions(self) -> tuple[Session, ...]:
        """Ordinary activity, much the same for all sensors."""

        def everybody(weight: float) -> dict[str, float]:
            return {segment.name: weight for segment in self.segments}

        return (
            Session(self._report, everybody(64)),
            Session(self._upload, everybody(17)),
            Session(self._reconnect, everybody(9)),
            Session(self._retune, everybody(3)),
            Session(self._update, everybody(2.5)),
            Session(self._roam, everybody(2)),
        )

    def _report(self, script: Script) -> None:
        rounds = script.count(1, 3)
        for turn in range(3):
            self._read(script, self._usual(script), when=rounds > turn, gap=9.0)

    def _upload(self, script: Script) -> None:
        rounds = script.count(1, 2)
        for turn in range(2):
            endpoint = np.where(script.chance(0.06), mint(script.rng, script.size), self._server(script))
            self._transmit(script, endpoint, self._payload(script), when=rounds > turn)

    def _reconnect(self, script: Script) -> None:
        for chance in (0.25, 0.06):
            self._say(script, "auth_failed", 3.0, when=script.chance(chance))
        self._say(script, "connect", 3.0, counterparty_id=self._server(script))
        self._read(script, self._usual(script))

    def _retune(self, script: Script) -> None:
        channel = script.pick("channel", ["remote", "technician"], [0.6, 0.4])
        self._say(script, "config_change", 4.0, channel=channel)
        factor = script.uniform(0.93, 1.08)
        for _ in range(2):
            self._read(script, self._usual(script) * factor)

    def _update(self, script: Script) -> None:
        vendor = self._vendor(script)
        self._say(script, "firmware_update", 4.0, channel="remote", counterparty_id=vendor)
        self._transmit(script, vendor, script.lognormal(5_000.0, 0.6), when=script.chance(0.5))
        self._say(script, "connect", 3.0, counterparty_id=self._server(script))

    def _roam(self, script: Script) -> None:
        """Another address, now and then another country: mobile networks do that."""
        rng, size = script.rng, script.size
        place: dict[str, Any] = {
            "ip": rng.integers(0x0B000000, 0xDF000000, size, dtype=np.uint32),
            "country": np.where(script.chance(0.3), foreign_country(rng, script.actors.country), script.actors.country),
        }
        self._say(script, "connect", 3.0, counterparty_id=self._server(script), **place)
        self._read(script, self._usual(script), **place)

    # -- campaigns ----------------------------------------------------------------------------------------------

    def scenarios(self) -> tuple[Scenario, ...]:
        """Three frauds and their look-alikes."""
        return (
            Scenario("sensor_tampering", True, "sensor_tampering", self._sensor_tampering, exclusive=True),
            Scenario("device_spoofing", True, "device_spoofing", self._device_spoofing),
            Scenario("botnet", True, "botnet", self._botnet, fresh=0.2),
            Scenario("calibration", False, "sensor_tampering", self._calibration, weight=0.8, exclusive=True),
            Scenario("heat_wave", False, "sensor_tampering", self._heat_wave, exclusive=True),
            Scenario("dying_battery", False, "sensor_tampering", self._dying_battery, weight=0.7, exclusive=True),
            Scenario("hardware_swap", False, "device_spoofing", self._hardware_swap),
            Scenario("flaky_network", False, "device_spoofing", self._flaky_network),
            Scenario("site_move", False, "device_spoofing", self._site_move, weight=0.6),
            Scenario("firmware_rollout", False, "botnet", self._firmware_rollout),
            Scenario("backlog_flush", False, "botnet", self._backlog_flush, weight=0.8),
            Scenario("cloud_migration", False, "botnet", self._cloud_migration, weight=0.7, fresh=0.1),
        )

    def _sensor_tampering(self, script: Script) -> None:
        """Readings pinned to a wrong value, all but constant."""
        script_size = script.size
        opened = script.chance(0.5)
        self._say(
            script,
            "config_change",
            4.0,
            when=opened,
            channel=script.pick("channel", ["remote", "technician"], [0.7, 0.3]),
        )
        up = script.chance(0.4)
        shift = np.where(up, script.uniform(1.5, 2.6), script.uniform(0.25, 0.6))
        shift = np.where(script.chance(0.08), np.where(up, 1.25, 0.8), shift)
        pinned = script.actors.level * shift
        rounds = script.count(4, 7)
        for turn in range(7):
            self._read(script, pinned * np.exp(script.rng.normal(0, 0.008, script_size)), when=rounds > turn)

    def _device_spoofing(self, script: Script) -> None:
        """Foreign hardware gets in after some failed attempts and takes data out."""
        rng, size = script.rng, script.size
        place: dict[str, Any] = {
            "device_id": mint(rng, size),
            "ip": rng.integers(0x0B000000, 0xDF000000, size, dtype=np.uint32),
            "country": np.where(
                script.chance(0.35), foreign_country(rng, script.actors.country), script.actors.country
            ),
            "signal_dbm": rng.normal(-70, 10, size),
            "battery": rng.uniform(30, 100, size),
        }
        failures = script.count(1, 3)
        for turn in range(3):
            self._say(script, "auth_failed", 3.0, when=failures > turn, **place)
        self._say(script, "connect", 3.0, counterparty_id=self._server(script), **place)
        rounds = script.count(2, 3)
        endpoint = np.where(script.chance(0.5), mint(rng, size), self._server(script))
        for turn in range(3):
            reads = script.chance(0.5)
            self._read(script, self._usual(script), when=(rounds > turn) & reads, **place)
            self._transmit(script, endpoint, self._payload(script, 2.0), when=(rounds > turn) & ~reads, **place)

    def _botnet(self, script: Script) -> None:
        """Several devices call the same stranger and send what they were told."""
        size = script.size
        master = mint(script.rng, size)
        members = script.count(2, 3)
        for member in range(3):
            actors = script.actors if member == 0 else script.cast.mixed(size, 0.15)
            when = members > member
            self._say(
                script,
                "config_change",
                4.0,
                when=when & script.chance(0.3),
                actors=actors,
                channel="remote",
            )
            for again in (when, when & script.chance(0.7)):
                large = script.lognormal(5_500.0, 0.6)
                self._transmit(script, master, large, when=again, gap=4.0, actors=actors)

    def _calibration(self, script: Script) -> None:
        self._say(script, "config_change", 4.0, channel="technician")
        factor = np.where(script.chance(0.5), script.uniform(0.86, 0.95), script.uniform(1.05, 1.16))
        rounds = script.count(3, 5)
        for turn in range(5):
            self._read(script, self._usual(script) * factor, when=rounds > turn)

    def _heat_wave(self, script: Script) -> None:
        factor = script.uniform(1.3, 2.0)
        rounds = script.count(3, 5)
        for turn in range(5):
            climbing = 1 + (factor - 1) * min(1.0, (turn + 1) / 3)
            self._read(script, self._usual(script) * climbing, when=rounds > turn)

    def _dying_battery(self, script: Script) -> None:
        battery = script.uniform(1, 9)
        rounds = script.count(3, 5)
        for turn in range(5):
            noise = np.exp(script.rng.normal(0, 0.35, script.size))
            self._read(script, self._usual(script) * noise, when=rounds > turn, battery=battery)

    def _hardware_swap(self, script: Script) -> None:
        """The end of a spoofing without its begin: nobody failed to log in."""
        hardware = mint(script.rng, script.size)
        self._say(script, "config_change", 4.0, when=script.chance(0.5), channel="technician", device_id=hardware)
        self._say(script, "connect", 3.0, counterparty_id=self._server(script), device_id=hardware)
        for when in (np.ones(script.size, dtype=bool), np.ones(script.size, dtype=bool), script.chance(0.5)):
            self._read(script, self._usual(script), when=when, device_id=hardware)

    def _flaky_network(self, script: Script) -> None:
        """The begin of a spoofing without its end: the hardware is the old one."""
        failures = script.count(2, 4)
        for turn in range(4):
            self._say(script, "auth_failed", 3.0, when=failures > turn)
        self._say(script, "connect", 3.0, counterparty_id=self._server(script))
        for when in (np.ones(script.size, dtype=bool), script.chance(0.5)):
            self._read(script, self._usual(script), when=when)

    def _site_move(self, script: Script) -> None:
        rng, size = script.rng, script.size
        place: dict[str, Any] = {
            "ip": rng.integers(0x0B000000, 0xDF000000, size, dtype=np.uint32),
            "country": np.where(script.chance(0.5), foreign_country(rng, script.actors.country), script.actors.country),
        }
        self._say(script, "connect", 3.0, counterparty_id=self._server(script), **place)
        for when in (np.ones(size, dtype=bool), np.ones(size, dtype=bool), script.chance(0.5)):
            self._read(script, self._usual(script) * script.uniform(0.85, 1.15), when=when, **place)

    def _firmware_rollout(self, script: Script) -> None:
        size = script.size
        vendor = self._vendor(script)
        members = script.count(2, 4)
        for member in range(4):
            actors = script.actors if member == 0 else script.cast.established(size)
            when = members > member
            self._say(
                script, "firmware_update", 3.0, when=when, actors=actors, channel="remote", counterparty_id=vendor,
                firmware=_RELEASES[-1],
            )  # fmt: skip
            large = script.lognormal(6_000.0, 0.6)
            self._transmit(script, vendor, large, when=when & script.chance(0.7), actors=actors)

    def _backlog_flush(self, script: Script) -> None:
        self._say(script, "connect", 3.0, counterparty_id=self._server(script))
        rounds = script.count(3, 5)
        server = script.actors.own["servers"][:, 0]
        for turn in range(5):
            self._transmit(script, server, self._payload(script, 4.0), when=rounds > turn, gap=3.0)

    def _cloud_migration(self, script: Script) -> None:
        """Devices of a site turn to a new server with what they always send."""
        size = script.size
        server = mint(script.rng, size)
        members = script.count(2, 3)
        for member in range(3):
            actors = script.actors if member == 0 else script.cast.established(size)
            when = members > member
            self._say(script, "config_change", 4.0, when=when, actors=actors, channel="technician")
            self._say(script, "connect", 3.0, when=when & script.chance(0.5), actors=actors, counterparty_id=server)
            self._read(script, self._usual(script, actors), when=when, actors=actors, counterparty_id=server)


MODEL = Iot
