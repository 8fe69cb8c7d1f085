"""Text messages through Alibaba Cloud SMS."""
