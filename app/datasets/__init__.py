"""The product: one folder per dataset, with the same file names in each."""
