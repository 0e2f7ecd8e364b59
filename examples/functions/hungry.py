def handler(event, context):
    eaten = []
    while True:
        eaten.append(bytearray(16 << 20))
