"""Real servers for tests: buckets over loopback HTTP, plain or S3, that misbehave on demand."""

from .bucket import BucketServer, Fault, Request, trouble

__all__ = ["BucketServer", "Fault", "Request", "trouble"]
