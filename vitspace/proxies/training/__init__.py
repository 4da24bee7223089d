"""Proxies that train: one file each, with ``open_proxy(argument, data, device, seed)``, which returns a `Proxy`."""
