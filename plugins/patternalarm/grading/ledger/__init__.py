"""The ledger of a run: is every event accounted for, once and unaltered?"""
