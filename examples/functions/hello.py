def handler(event, context):
    print("a print goes to the log")
    return {"greeting": f"Hello {event['name']} from Python", "id": context.aws_request_id}
