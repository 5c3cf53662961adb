"""Labels of images: embed, cluster, let experts answer, and check the labels."""
