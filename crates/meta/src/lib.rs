//! Meta's wire: requests, responses, webhooks, signatures, codes.
