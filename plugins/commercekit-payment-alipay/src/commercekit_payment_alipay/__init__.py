"""Alipay (支付宝): payments on the web, on the mobile web and by QR code."""
