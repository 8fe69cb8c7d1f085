"""Uploaded pictures in S3-compatible object storage."""
