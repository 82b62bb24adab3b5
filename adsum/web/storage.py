"""Our own files under hashed names, so that browsers may keep them for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports between our own ES modules to hashed names; vendored files are left as they came."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "adsum/js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
