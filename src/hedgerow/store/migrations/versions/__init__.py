"""One module a step; its ``revision`` stands in ``schema.REVISIONS``."""
