"""Text in pictures, read with the models that rapidocr's wheel carries. Nothing is fetched."""
