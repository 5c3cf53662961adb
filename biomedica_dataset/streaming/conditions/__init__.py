"""The language of conditions on columns, and which rows of a table meet one."""
