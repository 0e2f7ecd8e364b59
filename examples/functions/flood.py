def handler(event, context):
    while True:
        print("x" * 65536)
