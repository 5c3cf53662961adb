"""Files and bytes: folders here or in a store, objects, web servers."""
