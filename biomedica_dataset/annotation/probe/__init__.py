"""Labels of single images: a probe on their vectors, trained on what experts said."""
