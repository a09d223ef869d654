"""Everything that reads text: normalising, language, lexicon, links, personal data, models."""
