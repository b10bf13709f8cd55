"""What a person does about a platform that is not as it should be; each ends or begins a sentence of ours."""

from typing import Final

START_PLATFORM: Final = "start the platform with `make up`, then see `make status`"
RESTART_PLATFORM: Final = "restart the platform with `make down` and `make up`"
TAKEN_DOWN: Final = "the platform was taken down with `make down` in the middle of it"
WRITE_SECRETS: Final = "let `make up` write secrets.env"
PREPARE: Final = "`make up` prepares environments, programs and jars"
