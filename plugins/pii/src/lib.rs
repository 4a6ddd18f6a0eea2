//! Hides personal data: hashes, masks or redacts columns, and finds e-mails, phones and cards in text.
