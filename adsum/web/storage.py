"""Our own files under hashed names, so that browsers may keep them for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports between our ES modules to hashed names."""

    support_js_module_import_aggregation = True
