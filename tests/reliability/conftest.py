"""What tests of other rooms have already: a small encoder, and a bucket to change."""

from ..annotation.conftest import encoder_folder
from ..extract.conftest import archive, bucket

__all__ = ["archive", "bucket", "encoder_folder"]
