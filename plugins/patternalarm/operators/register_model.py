"""Register a trained model, and promote it."""

from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.models import registry as models
from patternalarm.models.metadata import ModelError
from patternalarm.models.verify import verify_model


class RegisterModelOperator(BaseOperator):  # type: ignore[misc]
    """Records a model that is proven whole; promoted, it serves its domain from the next run on.

    Args:
        pack: folder of the run's domain pack.
        model_dir: the model's directory.
        promote: whether to promote it, which only a model of scope ``live`` can be.
    """

    template_fields = ("pack", "model_dir")

    def __init__(self, *, pack: str, model_dir: str, promote: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pack = pack
        self.model_dir = model_dir
        self.promote = promote

    def execute(self, context: Context) -> str:  # noqa: ARG002 - Airflow's signature
        """Register; the model's version.

        Raises:
            AirflowFailException: the model is not whole or not of this pack.
        """
        directory = Path(self.model_dir)
        try:
            metadata = verify_model(directory, load_pack(self.pack))
        except ModelError as error:
            raise AirflowFailException(str(error)) from error

        def register(connection: Any) -> None:
            models.register(connection, models.ModelVersion.of(metadata, str(directory)))
            if self.promote:
                models.promote(connection, metadata.domain, metadata.version)

        PlatformDatabaseHook().write(f"register model {metadata.version}", register)
        self.log.info("model %s of %s: %s", metadata.version, metadata.domain, metadata.metrics)
        return metadata.version
