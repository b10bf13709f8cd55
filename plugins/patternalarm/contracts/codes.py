"""Codes that the event contract takes as they stand in ISO's lists."""

from functools import cache


@cache
def country_codes() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes of countries."""
    import pycountry  # takes 0.4 s, and DAG files import the contracts

    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def currency_codes() -> frozenset[str]:
    """ISO 4217 codes of currencies in use."""
    import pycountry

    return frozenset(currency.alpha_3 for currency in pycountry.currencies)
