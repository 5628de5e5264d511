"""Data in: records of the sources become stored documents, and statuses derived from them."""
