# PatternAlarm on one machine. `make help` lists what people run.

PYTHON ?= python3
SERVICES = .venvs/services/bin/python
DEV = .venvs/dev/bin/python

DOMAIN ?= payments
LEVEL ?= normal
MINUTES ?= 2
SEED ?= 7
RATE ?=
FILE ?=
PACK ?=
S ?=
YES ?=
SUITES ?=
RUNS ?= 10000000
export DOMAIN LEVEL MINUTES SEED RATE FILE PACK S YES RUNS

# Settings of .env; what the environment says already, wins.
$(foreach name,$(shell sed -n 's/^\(PATTERNALARM_[A-Z0-9_]*\)=.*/\1/p' .env 2>/dev/null),\
	$(eval export $(name) ?= $(shell sed -n 's/^$(name)=//p' .env)))

MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test up down status logs clean load-test replay bench fuzz lint doctor envs jars

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
		do printf '  make %-10s %s\n' "$$name" "$$text"; done

demo: doctor envs ## everything once: check, install, start, train a model, run a graded load test, show its report
	@$(SERVICES) -m infra.local.demo

test: doctor envs ## every check and test, as .ci/run runs them
	@$(DEV) -m infra.local.run_tests $(SUITES)

up: doctor envs ## start the platform and wait until it is healthy
	@$(SERVICES) -m infra.local.platform up

down: ## stop the platform and leave no process behind
	@$(SERVICES) -m infra.local.platform down

status: ## one table: what is up, healthy, since when, using how much memory
	@$(SERVICES) -m infra.local.platform status

logs: ## end of a program's log, then what comes: S=kafka
	@$(SERVICES) -m infra.local.platform logs "$$S" --follow

clean: ## stop, and remove data, models, reports, logs and passwords (asks first; YES=1 does not)
	@$(SERVICES) -m infra.local.platform clean

load-test: ## a graded load test; the exit code is its verdict: DOMAIN=payments LEVEL=normal MINUTES=2 SEED=7 RATE=
	@$(SERVICES) -m patternalarm.cli load-test --domain "$$DOMAIN" --level "$$LEVEL" --minutes "$$MINUTES" --seed "$$SEED" \
		--rate "$$RATE"

replay: ## your own file through the whole path, graded: FILE=events.parquet PACK=its-pack.yaml
	@$(SERVICES) -m patternalarm.cli replay --file "$$FILE" --pack "$$PACK"

bench: envs ## benchmarks, with their figures
	@$(DEV) -m pytest -q -s -rs -o python_files="bench_*.py" tests/benchmarks

fuzz: envs ## hostile records through the engine's code, by coverage: RUNS=10000000 SEED=7
	@mvn -q -B -ntp -f flink_jobs/java/pom.xml test-compile dependency:build-classpath \
		-Dmdep.outputFile=target/test-classpath
	@cd flink_jobs/java && java -cp "target/test-classes:target/classes:$$(cat target/test-classpath)" \
		dev.patternalarm.flink.FuzzRun "$$RUNS" "$$SEED"

lint: envs ## ruff and mypy
	@$(DEV) -m infra.local.run_tests lint

doctor: # is this machine fit?
	@$(PYTHON) -m infra.local.doctor

envs: # Python environments and jars, where their inputs changed
	@$(PYTHON) -m infra.local.environments all

jars: # jars only
	@$(PYTHON) -m infra.local.environments jars
