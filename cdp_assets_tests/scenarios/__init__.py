"""Stories told from the customer's side: files on a server, profiles in the warehouse, files delivered."""
