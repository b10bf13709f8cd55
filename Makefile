# PatternAlarm on one machine. `make help` lists what people run.

PYTHON ?= python3
SERVICES = .venvs/services/bin/python
API = .venvs/api/bin/python
DEV = .venvs/dev/bin/python

DOMAIN ?= payments
LEVEL ?= normal
MINUTES ?= 2
SEED ?= 7
RATE ?=
FILE ?=
ROLE ?=
DAYS ?= 30
NAME ?=
REVOKE ?=
PACK ?=
MODEL ?=
S ?=
YES ?=
SUITES ?=
STRICT ?=
RUNS ?= 10000000
EXAMPLES ?= 2000
SCHEDULES ?=
ONLY ?=
# Faults draw a seed of their own unless one is given.
FAULTS_SEED = $(if $(filter file,$(origin SEED)),,$(SEED))
export ROLE DAYS NAME REVOKE DOMAIN LEVEL MINUTES SEED RATE FILE PACK MODEL S YES RUNS EXAMPLES SCHEDULES ONLY FAULTS_SEED

# What each target takes; on the command line any other name is refused, not ignored.
TAKES_test = SUITES
TAKES_logs = S
TAKES_clean = YES
TAKES_load-test = DOMAIN LEVEL MINUTES SEED RATE STRICT
TAKES_api-key = ROLE DAYS NAME REVOKE
TAKES_replay = FILE PACK
TAKES_study-batching = DOMAIN MODEL
TAKES_study-capacity = DOMAIN MODEL
TAKES_fuzz = RUNS SEED EXAMPLES
TAKES_faults = SCHEDULES SEED ONLY
TAKEN := $(foreach goal,$(MAKECMDGOALS),$(TAKES_$(goal)))
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
quoted = '$(subst ','\'',$(1))'
unknown = PYTHONPATH=plugins $(PYTHON) -m patternalarm.did_you_mean $(call quoted,$(1)) $(call quoted,$(2)) $(3)
$(foreach name,$(filter-out PYTHON PATTERNALARM_% $(TAKEN),$(GIVEN)),\
	$(error $(shell $(call unknown,make $(or $(MAKECMDGOALS),help) variable,$(name),$(TAKEN)))))

# A goal that does not exist is refused before the first one runs: `make load-test gaming` must not test payments.
GOALS := $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))
SHOWN := $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(MAKEFILE_LIST))
$(foreach goal,$(filter-out $(GOALS),$(MAKECMDGOALS)),$(error $(shell $(call unknown,target,$(goal),$(SHOWN)))))

# Settings of .env; what the environment says already, wins.
$(foreach name,$(shell sed -n 's/^\(PATTERNALARM_[A-Z0-9_]*\)=.*/\1/p' .env 2>/dev/null),\
	$(eval export $(name) ?= $(shell sed -n 's/^$(name)=//p' .env)))

MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test up down status logs clean load-test replay api-key api-keys bench study-batching study-capacity fuzz faults leftovers compose-test audit lint doctor envs jars installed

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
		do printf '  make %-14s %s\n' "$$name" "$$text"; done

demo: doctor envs ## everything once: check, install, start, train a model, run a graded load test, show its report
	@$(SERVICES) -m infra.local.demo

test: doctor envs ## every check and test, as .ci/run runs them
	@$(DEV) -m infra.local.run_tests $(SUITES)

up: doctor envs ## start the platform and wait until it is healthy
	@$(SERVICES) -m infra.local.platform up

down: installed ## stop the platform and leave no process behind
	@$(SERVICES) -m infra.local.platform down

status: installed ## one table: what is up, healthy, since when, using how much memory
	@$(SERVICES) -m infra.local.platform status

logs: installed ## end of a program's log, then what comes: S=kafka
	@$(SERVICES) -m infra.local.platform logs "$$S" --follow

clean: installed ## stop, and remove data, models, reports, logs and passwords (asks first; YES=1 does not)
	@$(SERVICES) -m infra.local.platform clean

load-test: installed ## a graded load test; the exit code is its verdict: DOMAIN=payments LEVEL=normal MINUTES=2 SEED=7 RATE= STRICT=true
	$(if $(filter-out true false,$(STRICT)),$(error STRICT is true or false, not $(STRICT)))
	@$(SERVICES) -m patternalarm.cli load-test --domain "$$DOMAIN" --level "$$LEVEL" --minutes "$$MINUTES" --seed "$$SEED" \
		--rate "$$RATE" $(if $(filter false,$(STRICT)),--no-strict,--strict)

replay: installed ## your own file through the whole path, graded: FILE=events.parquet PACK=./its-pack
	@$(SERVICES) -m patternalarm.cli replay --file "$$FILE" --pack "$$PACK"

api-key: installed ## a key for the API, for callers that are not on this machine: ROLE=analyst DAYS=30 NAME=, or REVOKE=<id>
	@if [ -n "$$REVOKE" ]; then $(API) -m patternalarm.api.access.command_line revoke "$$REVOKE"; \
	else $(API) -m patternalarm.api.access.command_line create --role "$$ROLE" --days "$$DAYS" --name "$$NAME"; fi

api-keys: installed ## the API's keys: whose, which role, until when
	@$(API) -m patternalarm.api.access.command_line list

bench: envs ## benchmarks, with their figures
	@$(DEV) -m pytest -q -s -rs -o python_files="bench_*.py" tests/benchmarks

study-batching: installed ## what a score costs, one by one, in batches, as a stream, without Spark; needs `make up`: DOMAIN=payments MODEL=
	@$(SERVICES) -m patternalarm.studies.batching --domain "$$DOMAIN" --model "$$MODEL"

study-capacity: installed ## how many workers a load needs, by CPU quotas; as root, needs `make up`, half an hour: DOMAIN=payments MODEL=
	@$(SERVICES) -m patternalarm.studies.capacity --domain "$$DOMAIN" --model "$$MODEL"

fuzz: envs ## hostile records through the engine's code, by coverage, then alert writer and archive: RUNS=10000000 SEED=7 EXAMPLES=2000
	@mvn -q -B -ntp -f flink_jobs/java/pom.xml test-compile dependency:build-classpath \
		-Dmdep.outputFile=target/test-classpath
	@cd flink_jobs/java && java -cp "target/test-classes:target/classes:$$(cat target/test-classpath)" \
		dev.patternalarm.flink.FuzzRun "$$RUNS" "$$SEED"
	@FUZZ_EXAMPLES="$$EXAMPLES" $(DEV) -m infra.local.run_tests fuzz

faults: doctor envs ## every part killed and stopped under load, a line each: ONLY=kill-kafka,stop-kafka; at random: SCHEDULES=20 SEED=
	@FAULTS=all FAULTS_SCHEDULES="$$SCHEDULES" FAULTS_ONLY="$$ONLY" $(DEV) -m infra.local.run_tests faults

leftovers: doctor envs ## load tests stopped in every state in every way, and what is left of each after 15 minutes (an hour)
	@$(DEV) -m infra.local.run_tests leftovers

compose-test: envs ## containers: build, bring up, a graded load test with two of them killed, take down (needs Docker)
	@$(DEV) -m infra.local.run_tests containers

audit: envs ## known vulnerabilities of every locked package, where PyPI's advisories can be asked
	@$(DEV) -m infra.local.audit

lint: envs ## ruff and mypy
	@$(DEV) -m infra.local.run_tests lint

doctor: # is this machine fit?
	@$(PYTHON) -m infra.local.doctor

envs: # Python environments and jars, where their inputs changed
	@$(PYTHON) -m infra.local.environments all

installed:
	@test -x $(SERVICES) || { echo "nothing is installed yet; run: make up" >&2; exit 2; }

jars: # jars only
	@$(PYTHON) -m infra.local.environments jars
