"""One page or one subject a file; each registers itself with `@page`. Every module of this folder is imported by `admin_ui.app`."""
