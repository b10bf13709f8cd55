"""Detect fraud in one domain: Kafka events -> features, pattern hits, dead letters. Submitted by `flink run -py`.

The job is named detect-<domain>-<scope>; whoever stops it finds it by that name.
"""

import sys

from pipeline import JOB_OPTIONS, build, kafka_connectors
from pyflink.table import EnvironmentSettings, TableEnvironment

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.pack_folder import PackError, find_pack
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.patterns import PatternError, load_patterns
from patternalarm.settings import get_settings


def main(argv: list[str] | None = None) -> int:
    """Submit the job and return; exit code 2 for a pack or pattern that cannot be."""
    settings = get_settings()
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--scope", default=LIVE_SCOPE, help="live, or the run_id of an isolated run")
    parser.add_argument("--bootstrap", default=settings.kafka_bootstrap, help="Kafka's bootstrap servers")
    parser.add_argument("--parallelism", type=int, default=settings.flink_parallelism)
    args = parser.parse_args(argv)
    try:
        pack = load_pack(args.pack)
        patterns = load_patterns(find_pack(args.pack), pack)
    except (PackError, PatternError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT

    t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    config = t_env.get_config()
    config.set("pipeline.name", flink_job_name(pack.name, args.scope))
    config.set("parallelism.default", str(args.parallelism))
    for option, value in JOB_OPTIONS.items():
        config.set(option, value)
    statements = build(
        t_env,
        pack,
        patterns,
        topic_name(TopicKind.EVENTS, pack.name, args.scope),
        kafka_connectors(pack, args.scope, args.bootstrap),
    )
    statements.execute()
    return 0


if __name__ == "__main__":
    sys.exit(main())
